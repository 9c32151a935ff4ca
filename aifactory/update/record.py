"""An update as it is written down before the first file is touched, and removed when all is in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from aifactory.update import tree
from aifactory.update.tree import Entry, Tree
from aifactory_runtime import files
from aifactory_runtime.errors import UsageProblem

_NOUNS = {"update": "update", "adopt": "adoption"}


class Phase(StrEnum):
    """Where an update that is written down stands."""

    MOVING = "moving"
    """Files are being written; unless a process holds the lock, it was interrupted."""
    CONFLICTS = "conflicts"
    """All is written, and a person has to decide conflicts."""


@dataclass(frozen=True)
class Change:
    """What an update does to one path: its entry before (as HEAD has it) and after; None where there is no file."""

    path: str
    before: Entry | None
    after: Entry | None
    stages: tuple[Entry | None, Entry | None, Entry | None] | None = None
    """Of a conflict: as rendered before, the owner's, as rendered now. `after` holds both, with markers, or is the
    owner's where no markers can be written."""
    why: str = ""
    """Of a conflict: whose file it is and what happened, for people."""
    between: tuple[Entry | None, ...] = ()
    """What the path may also hold meanwhile: what a person decided, where a hook changed it again."""

    @property
    def marked(self) -> bool:
        """Whether it is a conflict with both versions in the file, between markers."""
        return self.stages is not None and self.after is not None and self.after != self.stages[1]


@dataclass(frozen=True)
class ChangeSet:
    """All that an update does to a repo."""

    head: str
    title: str
    """What it is, for people: `0.1.0 to 0.2.0`."""
    changes: tuple[Change, ...]
    command: str = "update"
    """The command of `factory` that it is of: `update` or `adopt`."""
    version: str = ""
    """Of an update: what it goes to, for hooks."""

    @property
    def called(self) -> str:
        """What people call it: `update 0.1.0 to 0.2.0`, `adoption as churn`."""
        return f"{_NOUNS[self.command]} {self.title}"

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """The changes that a person has to decide."""
        return tuple(change for change in self.changes if change.stages)

    def undone(self) -> ChangeSet:
        """The way back."""
        return replace(self, changes=tuple(Change(one.path, one.after, one.before) for one in self.changes))


def changes(before: Tree, after: Tree) -> tuple[Change, ...]:
    """What leads from one tree to the other, by path."""
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return tuple(Change(path, before.get(path), after.get(path)) for path in paths)


def folder(repo: Path) -> Path:
    """Where a repo keeps what is written down: beside git's own files, in no commit."""
    return tree.repo_path(repo, "factory-update")


@contextmanager
def held(repo: Path) -> Iterator[None]:
    """One update or adoption at a time in this repo; FactoryError names the process that has it."""
    with files.lock(
        folder(repo) / "lock", "another update or adoption of this repo is running (process {holder}): wait for it"
    ):
        yield


def note(repo: Path, change_set: ChangeSet, phase: Phase) -> None:
    """Write the update down, on disk when this returns."""
    content = {**asdict(change_set), "phase": phase}
    files.write(folder(repo) / "move.json", json.dumps(content), 0o600)


def noted(repo: Path) -> tuple[ChangeSet, Phase] | None:
    """The update that is not finished; None when there is none. UsageProblem when what is written down is damaged."""
    path = folder(repo) / "move.json"
    try:
        return _read(files.read_json(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        lock = tree.repo_path(repo, "index.lock")
        gone = f"{path} and {lock}" if lock.exists() else str(path)
        raise UsageProblem(
            f"{path} is damaged, so nobody knows how far an update or adoption came: copy away what you changed (see "
            f"git status), remove {gone}, then git reset --hard restores HEAD's files"
        ) from None


def forget(repo: Path) -> None:
    """The update is finished, or undone."""
    (folder(repo) / "move.json").unlink(missing_ok=True)


def _read(written: dict[str, Any]) -> tuple[ChangeSet, Phase]:
    """What `note` wrote. ValueError, KeyError, TypeError or AttributeError for anything else."""
    if written["command"] not in _NOUNS:
        raise ValueError("no command of factory")
    noted_changes = tuple(_change(one) for one in written["changes"])
    change_set = ChangeSet(
        written["head"], written["title"], noted_changes, written["command"], written.get("version", "")
    )
    return change_set, Phase(written["phase"])


def _change(written: dict[str, Any]) -> Change:
    stages = written["stages"] and tuple(map(_entry, written["stages"]))
    between = tuple(map(_entry, written.get("between", ())))
    return Change(written["path"], _entry(written["before"]), _entry(written["after"]), stages, written["why"], between)


def _entry(written: dict[str, str] | None) -> Entry | None:
    return Entry(**written) if written else None
