"""One pipeline at a time in an environment: the loser leaves at once and says who holds the lock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.storage import lease
from aifactory_runtime.storage.place import Place, Remote

_NAME = "pipeline.lock"


def held(folder: Place) -> AbstractContextManager[None]:
    """Hold the lock in `folder`; FactoryError when another pipeline does."""
    if isinstance(folder, Remote):
        return lease.held(folder.store, _NAME, "another pipeline runs here ({holder}): wait until it ends")
    return files.lock(_lock(folder), "another pipeline runs here (process {holder}): wait until it ends")


def is_held(folder: Place) -> bool:
    """Whether a pipeline runs in `folder` now."""
    if isinstance(folder, Remote):
        return lease.is_held(folder.store, _NAME)
    return files.is_locked(_lock(folder))


def _lock(folder: Path) -> Path:
    return folder / _NAME
