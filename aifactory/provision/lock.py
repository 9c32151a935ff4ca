"""One process per stack: a lock that names its holder and goes with it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory_runtime.errors import FactoryError


@contextmanager
def hold(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; FactoryError names the process that holds it already.

    The kernel releases it with the process, so a killed run leaves no lock behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, what)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def refuse_held(path: Path, what: str) -> None:
    """FactoryError, as `hold` raises it, when somebody holds the lock file at `path` now; makes no file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _take(descriptor, what)
    finally:
        os.close(descriptor)


def _take(descriptor: int, what: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode() or "unknown"
        raise FactoryError(
            f"{what} is being changed by process {holder}; wait for it to finish, then run this again"
        ) from None
