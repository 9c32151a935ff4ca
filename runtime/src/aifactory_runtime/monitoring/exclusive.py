"""One at a time looks at the monitors of an environment, or puts their table in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from aifactory_runtime import files

_LOCK = "monitor.lock"


def held(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock in the monitors' `folder`; Busy at once when another process does."""
    return files.lock(folder / _LOCK, "process {holder} looks at the monitors already")


@contextmanager
def waited(folder: Path) -> Iterator[None]:
    """Hold it once whoever has it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with files.waiting_lock(folder / _LOCK):
        yield
