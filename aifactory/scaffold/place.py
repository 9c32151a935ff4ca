"""A folder that appears whole or not at all: work goes on beside it, one rename ends it, leftovers of the killed go."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory_runtime.errors import UsageProblem

PREFIX = ".factory-new-"
_OUTLIVES_SECONDS = 2.0


def check_free(target: Path) -> None:
    """UsageProblem unless `target` is absent or an empty folder."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageProblem(f"{target} is there already and is not a folder: choose another name, or move it away")
    if target.is_dir() and any(target.iterdir()):
        raise UsageProblem(f"{target} is not empty: choose another name, or move it away")


@contextmanager
def workshop(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, gone at the end; temporary files of this process go there too.

    It is locked while its process lives, so that the next one can tell a leftover from a neighbour's work.
    """
    if not parent.is_dir():
        raise UsageProblem(f"{parent} is not a folder: make it first")
    _remove_leftovers(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise UsageProblem(f"cannot write in {parent}: {error.strerror}") from None
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    elsewhere, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = elsewhere
        _remove(folder)
        os.close(lock)


def move(built: Path, target: Path) -> None:
    """Rename `built` to `target`, in one step; UsageProblem when something got there first."""
    try:
        built.rename(target)
    except OSError:
        check_free(target)
        raise


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            _remove(folder)
        finally:
            os.close(lock)


def _remove(folder: Path) -> None:
    """Remove `folder`, again while a git process that outlived its killed parent still writes into it."""
    until = time.monotonic() + _OUTLIVES_SECONDS
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)
