"""One pipeline at a time in an environment: the loser leaves at once and says who holds the lock."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from aifactory_runtime.errors import FactoryError

_LOOKS, _BETWEEN_SECONDS = 20, 0.05


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock in `folder`; the system releases it when the holder ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pipeline.lock").open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(stream)
            raise FactoryError(f"another pipeline runs here (process {holder}): wait until it ends") from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def _holder(stream: TextIO) -> str:
    """Process id of who holds the lock; one that has just taken it may not have written it yet."""
    for _ in range(_LOOKS):
        stream.seek(0)
        if found := stream.read().strip():
            return found
        time.sleep(_BETWEEN_SECONDS)
    return "unknown"
