"""The log of events: lines appended under one lock, numbered without gaps, on disk when the writer goes on.

It consists of segments; a segment's name is the sequence of its first line, so that whole old ones can be taken away
and the numbers go on. Only the newest is written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import event as events
from aifactory_runtime.events.event import Event

LOCK = "events.lock"
SEGMENT_BYTES = 4 << 20
"""From this size on the next line begins a new segment."""
_PREFIX, _ENDING, _DIGITS = "events-", ".jsonl", 12


@dataclass(frozen=True)
class Read:
    """What stands in a log, in its order, and a line for each thing in it that is damaged."""

    events: tuple[Event, ...]
    damaged: tuple[str, ...]


def append(folder: Path, event: Event) -> Event:
    """Add an event and return it with its sequence once it is on disk.

    A line torn by a killed writer is cut off first. FactoryError when the disk takes nothing more: the log is then as
    before.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.waiting_lock(folder / LOCK):
            return _append(folder, event)
    except OSError as error:
        raise FactoryError(
            f"{folder} takes no event ({error.strerror}), {event.kind} is not recorded: see its place, rights and space"
        ) from None


def read(folder: Path) -> Read:
    """Every event in the log's order. An absent log is an empty one; FactoryError when it cannot be read."""
    found: list[Event] = []
    damaged: list[str] = []
    following: int | None = None
    try:
        for path in segments(folder):
            if following not in (None, _first(path)):
                damaged.append(f"{path}: begins with {_first(path)}, but {following} is due: a file is missing")
            following = _first(path)
            for number, line in enumerate(_whole_lines(path.read_bytes()), start=1):
                event, problem = _checked(line, following)
                found += [event] if event else []
                damaged += [f"{path}: line {number} {problem}"] if problem else []
                following = (event.sequence if event else following) + 1
    except OSError as error:
        raise FactoryError(f"{folder}: events cannot be read ({error.strerror}): see its place and rights") from None
    return Read(tuple(found), tuple(damaged))


def segments(folder: Path) -> list[Path]:
    """Files of the log, oldest first."""
    ours = [name for name in names(folder) if name.startswith(_PREFIX) and name.endswith(_ENDING)]
    return sorted((path for name in ours if _digits(path := folder / name).isdecimal()), key=_first)


def names(folder: Path) -> list[str]:
    """Names of the files in `folder`, none when it is absent; OSError when that is not known."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def _append(folder: Path, event: Event) -> Event:
    there = segments(folder)
    path = there[-1] if there else _segment(folder, 1)
    if there and path.stat().st_size >= SEGMENT_BYTES:
        path = _segment(folder, _next(path))
    if not path.exists():
        path.touch(0o600)
        files.sync_folder(folder)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        files.cut_torn_line(descriptor)
        numbered = replace(event, sequence=_next(path))
        files.append(descriptor, events.encode(numbered))
    finally:
        os.close(descriptor)
    return numbered


def _next(path: Path) -> int:
    """The sequence that follows the last whole line of a segment."""
    with path.open("rb") as file:
        end = files.after_last_newline(file.fileno(), file.seek(0, os.SEEK_END))
        last = files.last_line(file.fileno(), end)
    if not last:
        return _first(path)
    try:
        return events.parse(last).sequence + 1
    except ValueError:
        return _next_of_damaged(path)


def _next_of_damaged(path: Path) -> int:
    """As `_next` where the last line is no event: numbers have no gaps, so lines are counted."""
    following = _first(path)
    for line in _whole_lines(path.read_bytes()):
        event, _ = _checked(line, following)
        following = max(following, event.sequence if event else 0) + 1
    return following


def _checked(line: bytes, due: int) -> tuple[Event | None, str]:
    """The event of a line, and what is wrong with it where `due` is the sequence that it should have."""
    try:
        event = events.parse(line)
    except ValueError:
        return None, "is no event: it was damaged or written by something else"
    if event.sequence != due:
        return event, f"has sequence {event.sequence}, but {due} is due: a line was removed, added or moved"
    return event, ""


def _whole_lines(content: bytes) -> Iterator[bytes]:
    """Lines with their newline; what follows the last newline was never acknowledged."""
    yield from content.split(b"\n")[:-1]


def _segment(folder: Path, first: int) -> Path:
    return folder / f"{_PREFIX}{first:0{_DIGITS}d}{_ENDING}"


def _first(path: Path) -> int:
    return int(_digits(path))


def _digits(path: Path) -> str:
    return path.name.removeprefix(_PREFIX).removesuffix(_ENDING)
