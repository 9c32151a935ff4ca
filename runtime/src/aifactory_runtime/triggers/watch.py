"""What the next tick waits for: files that may change, and a time. The schedule compares, and else starts nothing.

A tick writes down the stamps that files had before it looked at them, so that what changes meanwhile is seen next time.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aifactory_runtime import files

FILE = "watch.json"
LOCK = "tick.lock"
_MOST = 500
"""Files of a table that are watched one by one; of more the folders alone."""

_CONNECT_SECONDS = 0.5

Stamp = list[int] | None
"""Number, size and time of change of a file; None where there is none."""


@dataclass(frozen=True)
class Idle:
    """Where nothing is new nothing is due until later, as long as these stamps, too, and what services take stay so."""

    until: datetime
    stamps: Mapping[str, Stamp]
    services: Mapping[str, bool]
    """By host and port, whether something takes connections there."""


@dataclass(frozen=True)
class Watch:
    """Nothing is due as long as the stamps are these and `until` has not come."""

    until: datetime
    stamps: Mapping[str, Stamp]
    idle: Idle | None = None
    """None where `until` holds whatever else is so."""


def stamp(path: str) -> Stamp:
    """The stamp that a file or folder has now."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def look(paths: Iterable[Path]) -> dict[str, Stamp]:
    """The stamps of all of `paths`."""
    return {str(path): stamp(str(path)) for path in paths}


def answers(address: str) -> bool:
    """Whether something takes connections at this host and port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def write(folder: Path, watch: Watch) -> None:
    """Put it where the schedule finds it."""
    content = {"schema": 1, "until": watch.until.isoformat(timespec="seconds"), "stamps": dict(watch.stamps)}
    if (idle := watch.idle) is not None:
        until = idle.until.isoformat(timespec="seconds")
        content["idle"] = {"until": until, "stamps": dict(idle.stamps), "services": dict(idle.services)}
    files.write(folder / FILE, json.dumps(content, indent=1), mode=0o600)


def read(folder: Path) -> Watch | None:
    """What was written last; None where there is nothing that can be read."""
    try:
        found = files.read_json(folder / FILE)
        return Watch(datetime.fromisoformat(found["until"]), dict(found["stamps"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def parts(place: Path) -> list[Path]:
    """The files and folders that tell whether the table at `place` has changed; of a Delta table its log."""
    log = place / "_delta_log"
    if log.is_dir():
        return [log]
    if not place.is_dir():
        return [place]
    below = sorted(place.rglob("*"))
    shown = below if len(below) <= _MOST else [path for path in below if path.is_dir()]
    return [place, *shown]
