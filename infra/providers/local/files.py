"""Files of this machine's resources: written whole, read with care, and a lock that waits.

The runtime has such a module too; infra imports of the runtime only what both have agreed on, its contract.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infra.providers.protocol.failure import Failure

_MOST_DIGITS = 32
"""Of the process id that a holder writes into its lock file."""


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file whole, with its mode: a reader or a crash finds the old file or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; ValueError when it holds no such thing, OSError when it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def own_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a resource's own; empty when there is no such file, Failure when it is damaged."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return {}
    except ValueError:
        raise Failure(f"{path} is damaged: remove it and run factory up again") from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path` while the block runs; waits for whoever has it. It goes with its holder."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def holder_in(folder: Path) -> str | None:
    """Who holds a lock file in `folder` or below, `*.lock`, for people; None when nobody does. Makes no file."""
    locks = (Path(place) / name for place, _, names in os.walk(folder) for name in names if name.endswith(".lock"))
    return next((holder for path in locks if (holder := _holder(path)) is not None), None)


def _holder(path: Path) -> str | None:
    with suppress(OSError), path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            process = stream.read(_MOST_DIGITS).decode(errors="replace").strip()
            return f"process {process}" if process.isdigit() else f"who holds {path}"
    return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
