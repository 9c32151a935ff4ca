"""Files of one run through which rows go from who has them to who decides about them, and answers back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.errors import FactoryError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Exchange:
    """Rows for so many groups: a giver writes one file, group after group, and of each a taker reads its own part.

    Who gives again after it was killed writes the same once more. Nothing is held beside the rows of a giver or taker.
    """

    folder: Path
    name: str
    groups: int

    def give(self, giver: int, rows: Array, group: Array) -> None:
        """Write the rows of a giver; `group` says for each who takes it. Within a group they keep their order."""
        order = np.argsort(group, kind="stable")
        ends = np.cumsum(np.bincount(group, minlength=self.groups))
        save(self._rows(giver), rows[order])
        save(self._ends(giver), np.concatenate([[0], ends]).astype(np.int64))

    def take(self, givers: int, group: int) -> Iterator[Array]:
        """The rows for a group, giver after giver."""
        for giver in range(givers):
            start, end = load(self._ends(giver))[group : group + 2].tolist()
            yield load(self._rows(giver))[start:end]

    def given(self, giver: int) -> Array:
        """All rows of a giver, group after group."""
        return load(self._rows(giver))

    def _rows(self, giver: int) -> Path:
        return self.folder / f"{self.name}-{giver:06d}.npy"

    def _ends(self, giver: int) -> Path:
        return self.folder / f"{self.name}-{giver:06d}-ends.npy"


def save(path: Path, values: Array) -> None:
    """Write an array, whole or not at all; FactoryError when the disk does not take it."""
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        part.replace(path)
    except OSError as error:
        raise FactoryError(f"{path} cannot be written ({error.strerror}): see its place, rights and space") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def load(path: Path) -> Array:
    """An array that `save` wrote; what is not looked at is not read. FactoryError when it cannot be read."""
    try:
        try:
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        except ValueError:  # nothing can be mapped of an array without rows
            return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise FactoryError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or 'damaged'}): all processes of a run need the "
            "folders of its environment; start the step again"
        ) from None
