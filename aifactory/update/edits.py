"""Keeps copies of what the owner wrote into files of an update after it began, before these are put back."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

from aifactory.update import tree, untouched
from aifactory.update.record import ChangeSet
from aifactory_runtime.errors import FactoryError

_KEPT = ".factory/edited-{number}"
"""In the repo, where git ignores `.factory/`; a number for each abort, so that no copy takes another's place."""


def keep(repo: Path, change_set: ChangeSet, say: Callable[[str], None]) -> None:
    """Copy each edited file and `say` where it is. FactoryError, with nothing changed, when a copy cannot be made."""
    found = sorted(path for path in untouched.edited(repo, change_set) if tree.is_file(repo / path))
    if not found:
        return
    folder = next(name for name in map(_name, itertools.count(1)) if not (repo / name).exists())
    for path in found:
        copy = repo / folder / path
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repo / path, copy, follow_symlinks=False)
        except OSError as error:
            raise FactoryError(
                f"{path} was edited after the {change_set.called} began, and no copy can be kept as {copy} "
                f"({error.strerror}): nothing changed"
            ) from None
        say(f"{path} was edited after the {change_set.called} began: what you wrote is kept as {folder}/{path}")


def _name(number: int) -> str:
    return _KEPT.format(number=number)
