"""What is told when: a problem once when it opens, each day while it is open, and at its end. Rules without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aifactory_runtime.events.problems import Problem

What = Literal["opened", "open", "over", "passed"]
"""It is new; it is still there; it is over; it came and went since the last look."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """What people were told last of a problem."""

    opened: datetime
    """When that problem was opened: one of the same key that opens later is another one."""
    over: bool
    time: datetime


@dataclass(frozen=True)
class Telling:
    """Problems of one kind of which the same is to be told: one message."""

    what: What
    kind: str
    problems: tuple[Problem, ...]


def due(problems: Iterable[Problem], told: Mapping[str, Told], began: datetime, now: datetime) -> list[Telling]:
    """What is to be told at `now`, a telling for each kind of problem and what is told of it.

    What came and went before `began`, when telling began, is not told. A reminder names all open problems of its kind,
    whenever each was told, so their next ones come together.
    """
    there = sorted(problems, key=lambda one: (one.opened, one.key))
    found = {one.key: _what(one, told.get(one.key), began, now) for one in there}
    reminded = {one.kind for one in there if found[one.key] == "open"}
    groups: dict[tuple[What, str], list[Problem]] = {}
    for one in there:
        what = found[one.key]
        if what is None and one.kind in reminded and _is_open(one, told.get(one.key), now):
            what = "open"
        if what is not None:
            groups.setdefault((what, one.kind), []).append(one)
    return [Telling(what, kind, tuple(members)) for (what, kind), members in groups.items()]


def next_due(problems: Iterable[Problem], told: Mapping[str, Told], now: datetime) -> datetime | None:
    """When the clock alone makes something due after `now`: a reminder, the end of a silence or of a problem."""
    moments: list[datetime] = []
    for one in problems:
        known = told.get(one.key)
        if one.silenced_until is not None:
            moments.append(one.silenced_until)
        if one.closed is None and one.until is not None:
            moments.append(one.until)
        if known is not None and _is_open(one, known, now):
            moments.append(known.time + DAY)
    return min((moment for moment in moments if moment > now), default=None)


def known_after(telling: Telling, now: datetime) -> dict[str, Told]:
    """What people know of each problem once they are told, by key."""
    over = telling.what in ("over", "passed")
    return {one.key: Told(one.opened, over, now) for one in telling.problems}


def _what(problem: Problem, told: Told | None, began: datetime, now: datetime) -> What | None:
    """What is to be told of one problem; None for nothing."""
    if problem.silent(now):
        return None
    ended = problem.ended(now)
    if told is None or told.opened != problem.opened:
        if ended is None:
            return "opened"
        missed = problem.opened >= began and not problem.silent(ended)
        return "passed" if missed else None
    if ended is not None:
        return None if told.over else "over"
    return "open" if _is_open(problem, told, now) and _a_day_ago(told.time, now) else None


def _is_open(problem: Problem, told: Told | None, now: datetime) -> bool:
    """Whether people know of a problem that is still there and wanted."""
    known = told is not None and told.opened == problem.opened and not told.over
    return known and problem.ended(now) is None and not problem.silent(now)


def _a_day_ago(moment: datetime, now: datetime) -> bool:
    """A moment that lies ahead, as of a clock that went back, counts as long ago: else nobody would be reminded."""
    return not timedelta(0) <= now - moment < DAY
