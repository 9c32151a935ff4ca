"""A folder to make something in: locked while its process lives, gone at its end or with the next one after a kill."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_OUTLIVES_SECONDS = 2.0


_SCRATCH = "factory-scratch-"
"""How folders for temporary files begin: those of any command clear away what any other left."""
_TRIES = 100


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """A new folder where this machine keeps temporary files, named after its `kind`, removed in the end.

    Those that killed commands left, of whatever kind, are removed first.
    """
    with workshop(Path(tempfile.gettempdir()), f"{_SCRATCH}{kind}-", _SCRATCH) as made:
        yield made


@contextmanager
def workshop(parent: Path, prefix: str, cleared: str | None = None) -> Iterator[Path]:
    """A new folder `prefix...` in `parent` (0700), removed in the end; OSError when it cannot be made.

    Those that killed processes left, whose names begin with `cleared` (`prefix` by default), are removed first: they
    may hold secrets. They are known by their lock, which the kernel takes from a process that ends, on this machine or
    another.
    """
    _clear(parent, cleared or prefix)
    with ExitStack() as held:
        made = _made(parent, prefix, held)
        try:
            yield made
        finally:
            _remove(made)


def _clear(parent: Path, prefix: str) -> None:
    for left in [path for path in parent.iterdir() if path.name.startswith(prefix)]:
        with suppress(OSError):
            if left.lstat().st_uid == os.getuid():
                with _locked(left):
                    _remove(left)


def _made(parent: Path, prefix: str, held: ExitStack) -> Path:
    """A new folder, locked: another one is made where somebody clears it away before it is."""
    for _try in range(_TRIES):
        made = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        with suppress(BlockingIOError, FileNotFoundError):
            held.enter_context(_locked(made))
            if made.exists():
                return made
    raise OSError(errno.EAGAIN, "no folder stays there", str(parent))


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
