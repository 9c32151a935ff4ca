"""What the rest of the runtime calls: a problem was found, it is over, which problems there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime.events import kinds, log, older, problems
from aifactory_runtime.events.event import CLOSED, Event, key_of
from aifactory_runtime.events.problems import Problems


@dataclass(frozen=True)
class Record:
    """Everything that a folder of events says; `damaged` has a line for each thing that could not be read."""

    events: tuple[Event, ...]
    problems: Problems
    damaged: tuple[str, ...]


def read(folder: Path) -> Record:
    """The log, and what runtimes from before it wrote; FactoryError when the folder cannot be read."""
    lines = log.read(folder)
    before = older.read(folder)
    events = tuple(older.among(lines.events, before.events))
    return Record(events, problems.fold(events), lines.damaged + before.damaged)


def found(
    folder: Path,
    kind: str,
    facts: Mapping[str, Any],
    subject: str = "",
    *,
    until: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """A problem is there: it opens or is counted. FactoryError when that cannot be recorded."""
    log.append(folder, _found(kind, facts, subject, until, now))


def over(folder: Path, keys: Iterable[str], facts: Mapping[str, Any], now: datetime | None = None) -> None:
    """Close those of `keys` that are open; nothing is written for the others. FactoryError as `found` and `read`."""
    moment = now or datetime.now(UTC)
    wanted = set(keys)
    if not wanted:
        return
    for problem in read(folder).problems.open(moment):
        if problem.key in wanted:
            log.append(folder, Event(moment, problem.kind, problem.key, CLOSED, facts))


class Following:
    """The problems of a folder while one process writes many events: the log is not read again for each of them.

    What others write in between is known from the next event on that this one writes: sequences have no gaps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: Problems | None = None

    @property
    def problems(self) -> Problems:
        """As they stand; FactoryError when the folder cannot be read."""
        if self._problems is None:
            self._problems = read(self._folder).problems
        return self._problems

    def found(self, kind: str, facts: Mapping[str, Any], subject: str = "", *, now: datetime | None = None) -> None:
        """A problem is there. FactoryError as `found` of this module raises it."""
        self._take(log.append(self._folder, _found(kind, facts, subject, None, now)))

    def over(self, keys: Iterable[str], facts: Mapping[str, Any], now: datetime) -> None:
        """Close those of `keys` that are open. FactoryError as `found`."""
        wanted = set(keys)
        for problem in self.problems.open(now):
            if problem.key in wanted:
                self._take(log.append(self._folder, Event(now, problem.kind, problem.key, CLOSED, facts)))

    def _take(self, event: Event) -> None:
        known = self._problems
        follows = known is not None and event.sequence == known.through + 1
        self._problems = problems.fold([event], known) if follows else None


def _found(kind: str, facts: Mapping[str, Any], subject: str, until: datetime | None, now: datetime | None) -> Event:
    name = kinds.KINDS[kind].name
    return Event(now or datetime.now(UTC), name, key_of(name, subject), facts=facts, until=until)
