"""Files that outlive a kill and a full disk: written whole, lines added, one holder at a time, JSON read with care."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError

_BLOCK = 65_536
_LOOKS, _BETWEEN_SECONDS = 20, 0.05


class Busy(FactoryError):
    """Another process holds the lock."""


# Written whole


def write(path: Path, content: str | bytes, mode: int | None = None) -> Path:
    """Put `content` at `path`, on disk when this returns: a reader or a crash finds the old file or the new one.

    Missing folders are made. The file gets `mode`, else what the umask allows. FactoryError when the disk does not take
    it: the old file, if any, stays.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode or 0o666), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise FactoryError(f"{path} cannot be written ({error.strerror}): see its place, rights and space") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names(folder: Path) -> list[str]:
    """Sorted names of what is in `folder`, none when it is absent; OSError when that is not known."""
    try:
        with os.scandir(folder) as found:  # names alone: a writer asks before each write
            return sorted(entry.name for entry in found)
    except FileNotFoundError:
        return []


# Appended line by line


def append(descriptor: int, content: bytes) -> int:
    """Add `content` to the end of a file that is open for appending, on disk when this returns; the file's new size.

    OSError when the disk does not take all of it: the file is then as before.
    """
    size = os.fstat(descriptor).st_size
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    return size + len(content)


def cut_torn_line(descriptor: int) -> int:
    """Cut off what a killed writer left behind the last newline: nobody was told that it was written. The size left."""
    size = os.fstat(descriptor).st_size
    end = after_last_newline(descriptor, size)
    if end != size:
        os.ftruncate(descriptor, end)
    return end


def last_line(descriptor: int, end: int) -> bytes:
    """The line that ends at offset `end`, with its newline; empty when there is none."""
    start = after_last_newline(descriptor, end - 1)
    return os.pread(descriptor, max(0, end - start), start)


def after_last_newline(descriptor: int, end: int) -> int:
    """Offset just after the last newline before `end` of a file that is open for reading, 0 when there is none."""
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


# One holder at a time: the system takes a lock away from a process that is killed


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; waits for whoever has it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def lock(path: Path, refused: str) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; the file names its holder.

    Busy at once when another process holds it: `refused`, its `{holder}` replaced by that one's process id.
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


def refuse_locked(path: Path, refused: str) -> None:
    """Busy, as `lock` raises it, when somebody holds the lock file at `path` now; makes no file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _take(descriptor, refused)
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock file at `path` now; makes no file."""
    try:
        refuse_locked(path, "")
    except Busy:
        return True
    return False


def _take(descriptor: int, refused: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor) if "{holder}" in refused else ""
        raise Busy(refused.replace("{holder}", holder)) from None


def _holder(descriptor: int) -> str:
    """Process id of who holds the lock; one that has just taken it may not have written it yet."""
    for _ in range(_LOOKS):
        if found := os.pread(descriptor, 32, 0).decode().strip():
            return found
        time.sleep(_BETWEEN_SECONDS)
    return "unknown"


# JSON that other programs, people and crashes may have changed


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; ValueError when it holds no such thing, OSError when it cannot be read."""
    return parse_json(path.read_bytes())


def parse_json(text: str | bytes) -> dict[str, Any]:
    """The JSON object that `text` is; ValueError for anything else, lists nested without end included."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
