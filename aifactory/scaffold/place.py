"""A folder that appears whole or not at all: work goes on beside it, one rename ends it, leftovers of the killed go."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aifactory.workshop import workshop
from aifactory_runtime.errors import UsageProblem

PREFIX = ".factory-new-"


def check_free(target: Path) -> None:
    """UsageProblem unless `target` is absent or an empty folder."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageProblem(f"{target} is there already and is not a folder: choose another name, or move it away")
    if target.is_dir() and any(target.iterdir()):
        raise UsageProblem(f"{target} is not empty: choose another name, or move it away")


@contextmanager
def making(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, gone at the end; temporary files of this process go there too."""
    if not parent.is_dir():
        raise UsageProblem(f"{parent} is not a folder: make it first")
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(workshop(parent, PREFIX))
        except OSError as error:
            raise UsageProblem(f"cannot write in {parent}: {error.strerror}") from None
        elsewhere, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = elsewhere


def move(built: Path, target: Path) -> None:
    """Rename `built` to `target`, in one step; UsageProblem when something got there first."""
    try:
        built.rename(target)
    except OSError:
        check_free(target)
        raise
