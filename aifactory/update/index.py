"""Git's index of a repo: changed as a copy, under git's own lock, and put in its place whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory.git import git, nul
from aifactory.update import record, tree
from aifactory.update.record import Change
from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

_MARK = b"factory update\n"
"""What our lock holds; git's is empty or an index."""
_LOCK_SECONDS = 10.0


class HalfWritten(FactoryError):
    """The work tree holds half of an update. The index stays locked then, so that nobody commits the half."""


@contextmanager
def locked(repo: Path) -> Iterator[Path]:
    """A copy of git's index, which nobody else changes while the block runs. Call it under `record.held`.

    FactoryError when a git process does not let go of the index. HalfWritten in the block leaves the lock.
    """
    free(repo)
    _take(repo)
    half = False
    try:
        copy = record.folder(repo) / "index"
        copy.with_name("index.lock").unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
        shutil.copyfile(tree.repo_path(repo, "index"), copy)
        yield copy
    except HalfWritten:
        half = True
        raise
    finally:
        if not half:
            _release(repo)


def free(repo: Path) -> None:
    """Remove the lock that a stopped update left. Call it under `record.held`: no other update of this repo runs."""
    _release(repo)


def change(repo: Path, copy: Path, changes: Iterable[Change]) -> None:
    """Make the changes in a copy of the index."""
    _git(repo, copy, "update-index", "-z", "--add", "--replace", "--index-info", given=nul(_lines(changes)))


def put(repo: Path, copy: Path) -> None:
    """Put the copy in the place of git's own index: a reader finds one or the other. FactoryError when that fails."""
    _git(repo, copy, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")  # refreshes it
    place = tree.repo_path(repo, "index")
    try:
        copy.replace(place)
    except OSError as error:
        raise FactoryError(f"{place} cannot be written ({error.strerror})") from None


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    """Lines for git's update-index: a path loses what it has, then gets what it is to have."""
    for one in changes:
        yield f"0 {'0' * 40}\t{one.path}"
        if one.stages:
            for number, entry in enumerate(one.stages, start=1):
                if entry:
                    yield f"{entry.mode} {entry.blob} {number}\t{one.path}"
        elif one.after:
            yield f"{one.after.mode} {one.after.blob} 0\t{one.path}"


def _take(repo: Path) -> None:
    lock, until = tree.repo_path(repo, "index.lock"), time.monotonic() + _LOCK_SECONDS
    mark = files.write(record.folder(repo) / "mark", _MARK)
    while not _made(lock, mark):
        if time.monotonic() > until:
            raise FactoryError(f"another git process works in this repo; if none does, remove {lock} and try again")
        time.sleep(0.05)


def _made(lock: Path, mark: Path) -> bool:
    """Whether the lock could be made, with the mark in it: at once by a hard link, where the disk has these."""
    try:
        os.link(mark, lock)
    except FileExistsError:
        return False
    except OSError:
        try:
            with lock.open("xb") as file:
                file.write(_MARK)
        except FileExistsError:
            return False
        except OSError as error:
            raise FactoryError(f"{lock} cannot be written ({error.strerror}): nothing changed") from None
    return True


def _release(repo: Path) -> None:
    lock = tree.repo_path(repo, "index.lock")
    if lock.is_file() and lock.read_bytes() == _MARK:
        lock.unlink()


def _git(repo: Path, copy: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return git(repo, *arguments, given=given, variables={"GIT_INDEX_FILE": str(copy)})
