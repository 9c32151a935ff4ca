"""What an update changes, file by file with its lines, and as a few lines that a person reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from aifactory.git import git
from aifactory.update import result
from aifactory.update.record import ChangeSet

_MANY = 20
"""Of more files in a folder only their number is said."""
_DEPTH = 2
"""Folders that are told apart: `vendor/aifactory-runtime/`, `docs/`."""


@dataclass(frozen=True)
class FileChange:
    """What becomes of one file; lines are None for one that has none, such as a picture."""

    path: str
    what: str
    """`added`, `removed`, `changed` or `moved`."""
    moved_from: str | None
    added: int | None
    removed: int | None

    @property
    def folder(self) -> tuple[str, str]:
        """What it is counted under when there are many."""
        return self.what, _top(self.moved_from) + " -> " + _top(self.path) if self.moved_from else _top(self.path)

    def line(self) -> str:
        """How a person reads it."""
        where = f"{self.moved_from} -> {self.path}" if self.moved_from else self.path
        return f"{where}: {self.what}{_lines([self])}"


def of(repo: Path, change_set: ChangeSet) -> list[FileChange]:
    """Every file that the change set changes, in order of path; files that moved are found as git finds them."""
    after = result.commit(repo, change_set)
    said = git(repo, "diff-tree", "-r", "-z", "-M", "--numstat", "--no-ext-diff", change_set.head, after)
    kinds = dict(
        _kinds(git(repo, "diff-tree", "-r", "-z", "-M", "--name-status", "--no-ext-diff", change_set.head, after))
    )
    return sorted(_counted(said, kinds), key=lambda change: change.path)


def lines(changes: Iterable[FileChange]) -> Iterator[str]:
    """A line a file, one for all of a folder with many, and a line with the total."""
    every = list(changes)
    for (what, folder), found in groupby(sorted(every, key=lambda change: change.folder), lambda change: change.folder):
        together = list(found)
        if len(together) > _MANY:
            yield f"{folder}: {len(together)} files {what}{_lines(together)}"
        else:
            yield from (change.line() for change in together)
    yield f"{len(every)} files{_lines(every)}"


def _lines(changes: Iterable[FileChange]) -> str:
    known = [change for change in changes if change.added is not None]
    return f", +{sum(c.added or 0 for c in known)} -{sum(c.removed or 0 for c in known)} lines" if known else ""


def _top(path: str) -> str:
    parts = PurePosixPath(path).parts[:-1][:_DEPTH]
    return "/".join(parts) + "/" if parts else path


def _kinds(said: bytes) -> Iterator[tuple[str, str]]:
    """Path and what becomes of it, from `--name-status -z`."""
    fields = iter(os.fsdecode(said).split("\0"))
    for status in fields:
        if status.startswith("R"):
            next(fields)
            yield next(fields), "moved"
        elif status:
            yield next(fields), {"A": "added", "D": "removed"}.get(status, "changed")


def _counted(said: bytes, kinds: dict[str, str]) -> Iterator[FileChange]:
    """From `--numstat -z`: two numbers and a path; where it moved an empty one, then both."""
    fields = iter(os.fsdecode(said).split("\0"))
    for field in fields:
        if not field:
            continue
        added, removed, path = field.split("\t", 2)
        before = None if path else next(fields)
        path = path or next(fields)
        numbers = (None, None) if added == "-" else (int(added), int(removed))
        yield FileChange(path, kinds.get(path, "changed"), before, *numbers)
