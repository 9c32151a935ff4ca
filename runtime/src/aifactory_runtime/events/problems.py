"""From events to problems: opened once, counted, closed; what people said of them. Rules without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aifactory_runtime.events.event import ACKNOWLEDGED, CLOSED, OPEN, SILENCED, Event


@dataclass(frozen=True)
class Problem:
    """One key, as the events so far have it."""

    key: str
    kind: str
    opened: datetime
    last: datetime
    count: int = 1
    """How often it was found since it was opened."""
    openings: int = 1
    """How often it was opened, this time counted."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of the last time it was found."""
    until: datetime | None = None
    """When it is over by itself; None when only an event closes it."""
    closed: datetime | None = None
    closed_by: str | None = None
    """The person who closed it; None when it closed by itself."""
    acknowledged_by: str | None = None
    silenced_until: datetime | None = None
    silenced_by: str | None = None
    note: str | None = None
    caught_by: str | None = None
    """What would have caught it: a test, a monitor. It stays when the problem opens again."""

    def ended(self, now: datetime) -> datetime | None:
        """When it was over, as it stands at `now`; None while it is open."""
        if self.closed is None and self.until is not None and now >= self.until:
            return self.until
        return self.closed

    def silent(self, now: datetime) -> bool:
        """Whether nobody wants to be told of it at `now`."""
        return self.silenced_until is not None and now < self.silenced_until

    def state(self, now: datetime) -> str:
        """One word for people and machines."""
        if self.ended(now) is not None:
            return CLOSED
        if self.silent(now):
            return SILENCED
        return ACKNOWLEDGED if self.acknowledged_by is not None else OPEN


@dataclass(frozen=True)
class Problems:
    """Every problem by its key, and which events it follows from."""

    by_key: Mapping[str, Problem] = field(default_factory=dict)
    through: int = 0
    """Sequence of the last event of the log."""
    seen: frozenset[str] = frozenset()
    """Files from before the log."""

    def open(self, now: datetime) -> list[Problem]:
        """Those that are open at `now`, longest first."""
        found = [one for one in self.by_key.values() if one.ended(now) is None]
        return sorted(found, key=lambda one: (one.opened, one.key))


def fold(events: Iterable[Event], before: Problems | None = None) -> Problems:
    """The problems after `events`. An event that was there before changes nothing, so events may be given twice."""
    start = before or Problems()
    by_key, through, seen = dict(start.by_key), start.through, set(start.seen)
    for event in events:
        if event.file is None:
            if event.sequence <= through:
                continue
            through = event.sequence
        elif event.file in seen:
            continue
        else:
            seen.add(event.file)
        after = _after(by_key.get(event.key), event)
        if after is not None:
            by_key[event.key] = after
    return Problems(by_key, through, frozenset(seen))


def _after(problem: Problem | None, event: Event) -> Problem | None:
    """One problem after one event of its key; states that a newer runtime writes change nothing."""
    if event.state == OPEN:
        return _found(problem, event)
    if problem is None:
        return None
    if event.state == CLOSED and problem.ended(event.time) is None:
        return _said(replace(problem, closed=event.time, closed_by=event.by), event)
    if event.state == ACKNOWLEDGED:
        return _said(replace(problem, acknowledged_by=event.by), event)
    if event.state == SILENCED:
        return _said(replace(problem, silenced_until=event.until, silenced_by=event.by), event)
    return problem


def _found(problem: Problem | None, event: Event) -> Problem:
    """A problem that was found: opened when it was not there or was over, else counted."""
    new = Problem(event.key, event.kind, event.time, event.time, facts=event.facts, until=event.until)
    if problem is None:
        return new
    if problem.ended(event.time) is not None:
        return replace(
            new,
            openings=problem.openings + 1,
            silenced_until=problem.silenced_until,
            silenced_by=problem.silenced_by,
            caught_by=problem.caught_by,
        )
    return replace(problem, last=event.time, count=problem.count + 1, facts=event.facts, until=event.until)


def _said(problem: Problem, event: Event) -> Problem:
    """What a person wrote with what they did; what they did not write stays."""
    note, caught_by = event.facts.get("note"), event.facts.get("caught_by")
    return replace(
        problem,
        note=str(note) if note else problem.note,
        caught_by=str(caught_by) if caught_by else problem.caught_by,
    )
