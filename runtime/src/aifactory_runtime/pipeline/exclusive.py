"""One pipeline at a time in an environment: the loser leaves at once and says who holds the lock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files


def held(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock in `folder`; FactoryError when another pipeline does."""
    return files.lock(_lock(folder), "another pipeline runs here (process {holder}): wait until it ends")


def is_held(folder: Path) -> bool:
    """Whether a pipeline runs in `folder` now."""
    return files.is_locked(_lock(folder))


def _lock(folder: Path) -> Path:
    return folder / "pipeline.lock"
