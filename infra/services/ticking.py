"""Whose tick is due: what each tick wrote down is compared with the files as they are. Starts and imports nothing.

What there is to look for only a use case's own code knows. It leaves a list of files, with number, size and time of
each, and a time until which nothing is due (docs/interfaces.md, "Requests to train again"); a second list and a later
time for where nothing is recorded.
"""

import fcntl
import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CODE = ("src", "vendor/aifactory-runtime/src")
"""Where a snapshot has its code; of commits made before the runtime moved all is in the first."""
_RUNTIME = "aifactory_runtime"
_WATCH, _LOCK = "triggers/watch.json", "triggers/tick.lock"
_LONGEST = timedelta(days=2)
"""No tick waits so long: a later time was written before the clock was set back."""
_CONNECT_SECONDS = 0.5


def can_tick(folder: Path) -> bool:
    """Whether the environment was applied with requests, and the code that is released there knows them."""
    return (folder / "triggers").is_dir() and knows(folder, "triggers")


def knows(folder: Path, part: str) -> bool:
    """Whether the code that is released has this file or folder of the runtime: older code has no such command."""
    return any((folder / "serving" / "current" / code / _RUNTIME / part).exists() for code in CODE)


def is_due(folder: Path, now: datetime) -> bool:
    """Whether the tick of the use case in `folder` may have something to do, and none is at it."""
    return _may_have_work(folder / _WATCH, now) and not _is_at_work(folder / _LOCK)


def _may_have_work(path: Path, now: datetime) -> bool:
    """Whether a file changed or the time has come; so it is, too, where nothing that can be read was written down."""
    try:
        watch = json.loads(path.read_text(encoding="utf-8"))
        later = watch.get("idle")
        return not _is_same(watch) or not (_waits(watch, now) or (later and _waits(later, now) and _is_same(later)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return True


def _waits(watch: dict[str, Any], now: datetime) -> bool:
    return now < datetime.fromisoformat(watch["until"]).astimezone(UTC) <= now + _LONGEST


def _is_same(watch: dict[str, Any]) -> bool:
    """Whether all files are as they were, and services take connections where they did."""
    files = all(_stamp(name) == known for name, known in watch["stamps"].items())
    return files and all(_answers(address) == known for address, known in watch.get("services", {}).items())


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS):
            return True
    except OSError:
        return False


def _stamp(name: str) -> list[int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 (a Path per file costs half the look)
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _is_at_work(path: Path) -> bool:
    """Whether a tick holds the lock. One that ended left the file empty: it is not touched, as the next may begin."""
    try:
        if not path.stat().st_size:
            return False
        with path.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
