"""One process per stack: whoever comes second is told who changes it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files

_REFUSED = "is being changed by process {holder}; wait for it to finish, then run this again"


def hold(path: Path, what: str) -> AbstractContextManager[None]:
    """Hold the lock file at `path` while the block runs; FactoryError names the process that holds it already."""
    return files.lock(path, f"{what} {_REFUSED}")


def refuse_held(path: Path, what: str) -> None:
    """FactoryError, as `hold` raises it, when somebody holds the lock file at `path` now; makes no file."""
    files.refuse_locked(path, f"{what} {_REFUSED}")
