"""A lock file that names its holder and goes with it: a killed process leaves no lock behind."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory_runtime.errors import FactoryError

_LOOKS, _BETWEEN_SECONDS = 20, 0.05


@contextmanager
def hold(path: Path, refused: str) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs.

    FactoryError at once when another process holds it: `refused`, its `{holder}` replaced by that one's process id.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, refused)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # or the next holder's rival could read the name of this one
    finally:
        os.close(descriptor)


def refuse_held(path: Path, refused: str) -> None:
    """FactoryError, as `hold` raises it, when somebody holds the lock file at `path` now; makes no file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _take(descriptor, refused)
    finally:
        os.close(descriptor)


def _take(descriptor: int, refused: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FactoryError(refused.replace("{holder}", _holder(descriptor))) from None


def _holder(descriptor: int) -> str:
    """Process id of who holds the lock; one that has just taken it may not have written it yet."""
    for _ in range(_LOOKS):
        if found := os.pread(descriptor, 32, 0).decode().strip():
            return found
        time.sleep(_BETWEEN_SECONDS)
    return "unknown"
