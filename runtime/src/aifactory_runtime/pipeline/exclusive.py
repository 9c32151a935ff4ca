"""One pipeline at a time in an environment: the loser leaves at once and says who holds the lock."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files


def held(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock in `folder`; FactoryError when another pipeline does."""
    return files.lock(folder / "pipeline.lock", "another pipeline runs here (process {holder}): wait until it ends")
