"""A folder to make something in: locked while its process lives, gone at its end or with the next one after a kill."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OUTLIVES_SECONDS = 2.0


@contextmanager
def workshop(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder `prefix...` in `parent` (0700), removed in the end; OSError when it cannot be made.

    Those that killed processes left are removed first: they may hold secrets. They are known by their lock, which the
    kernel takes from a process that ends, on this machine or another.
    """
    for left in [path for path in parent.iterdir() if path.name.startswith(prefix)]:
        with suppress(OSError), _locked(left):
            _remove(left)
    made = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    with _locked(made):
        try:
            yield made
        finally:
            _remove(made)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder while the block runs; OSError when somebody else holds it, or it is no folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove `folder`, again while a program that outlived its killed parent still writes into it."""
    until = time.monotonic() + _OUTLIVES_SECONDS
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)
