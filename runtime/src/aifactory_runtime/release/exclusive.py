"""One release or rollback at a time in an environment: the second leaves at once and says who is at it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.contract import EnvironmentContract


def held(contract: EnvironmentContract) -> AbstractContextManager[None]:
    """Hold the environment's lock, beside what it serves; FactoryError when another release or rollback does.

    An approval takes none: it is a run of its own, which a release finds or does not find.
    """
    return files.lock(
        _lock(contract),
        f"another release or rollback runs in {contract.environment} (process {{holder}}): wait until it ends",
    )


def is_held(contract: EnvironmentContract) -> bool:
    """Whether a release, a rollback or a look at a live test is under way there."""
    return files.is_locked(_lock(contract))


def _lock(contract: EnvironmentContract) -> Path:
    return Path(contract.release_uri) / "release.lock"
