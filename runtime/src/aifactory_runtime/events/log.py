"""The log of events: numbered without gaps, on disk when the writer goes on, damage named line by line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import event as events
from aifactory_runtime.events.event import Event
from aifactory_runtime.segments import Form, Segments, Writer

SEGMENT_BYTES = 4 << 20
"""From this size on the next line begins a new segment."""


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
        writer = Writer(_log(folder))
        try:
            sequence = writer.append(lambda number: events.encode(replace(event, sequence=number)))
        finally:
            writer.close()
    except OSError as error:
        raise FactoryError(
            f"{folder} takes no event ({error.strerror}), {event.kind} is not recorded: see its place, rights and space"
        ) from None
    return replace(event, sequence=sequence)


def read(folder: Path) -> Read:
    """Every event in the log's order. An absent log is an empty one; FactoryError when it cannot be read."""
    found: list[Event] = []
    damaged: list[str] = []
    following: int | None = None
    try:
        log = _log(folder)
        for path in log.all():
            first = log.first(path)
            if following not in (None, first):
                damaged.append(f"{path}: begins with {first}, but {following} is due: a file is missing")
            following = first
            for number, line in enumerate(_whole_lines(path.read_bytes()), start=1):
                event, problem = _checked(line, following)
                found += [event] if event else []
                damaged += [f"{path}: line {number} {problem}"] if problem else []
                following = (event.sequence if event else following) + 1
    except OSError as error:
        raise FactoryError(f"{folder}: events cannot be read ({error.strerror}): see its place and rights") from None
    return Read(tuple(found), tuple(damaged))


def of_segment(path: Path) -> list[Event]:
    """The events of one file of the log; ValueError when a line of it is damaged."""
    return [events.parse(line) for line in _whole_lines(path.read_bytes())]


def close_if_before(folder: Path, moment: datetime) -> None:
    """Begin a new file where the newest one begins with an event from before `moment`: else it would never be old."""
    log = _log(folder)
    newest = log.newest()
    with suppress(ValueError):  # damaged: whoever reads the log names the line
        if newest is not None and (found := of_segment(newest)) and found[0].time < moment:
            log.close_newest()


def segments(folder: Path) -> list[Path]:
    """Files of the log, oldest first."""
    return _log(folder).all()


def _log(folder: Path) -> Segments:
    return Segments(folder, Form("events", 12, "events.lock", _sequence_of, _last_of_damaged), SEGMENT_BYTES)


def _sequence_of(line: bytes) -> int:
    return events.parse(line).sequence


def _last_of_damaged(path: Path, first: int) -> int:
    """The last sequence of a segment where the last line is no event: sequences have no gaps, so lines are counted."""
    following = first
    for line in _whole_lines(path.read_bytes()):
        event, _ = _checked(line, following)
        following = max(following, event.sequence if event else 0) + 1
    return following - 1


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
