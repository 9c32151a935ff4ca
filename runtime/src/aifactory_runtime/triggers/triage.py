"""Triage: what is behind a drift, decided from evidence before anything is trained; no I/O.

In this order, as each excuses those after it: a fault in the data, a change of the service, a season, and only then
that what the model describes behaves otherwise now. Only the last one is what a training helps against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from statistics import median

CODE_BEFORE = timedelta(days=1)
"""Code that began to answer so shortly before a drift may be what drifts."""
_RHYTHM = 0.25
"""Distances between seasons differ by no more than this share of the usual one."""
_SEASONS = 2


class Cause(Enum):
    """What is behind a drift."""

    DATA_FAULT = "data fault"
    SERVICE = "service"
    SEASON = "season"
    CHANGED = "changed behaviour"


@dataclass(frozen=True)
class Spell:
    """A time in which the same drift was there before, and went away."""

    opened: datetime
    closed: datetime


@dataclass(frozen=True)
class Evidence:
    """What is known when a drift is found."""

    drift: str
    """Key of the monitor's problem."""
    opened: datetime
    faults: Sequence[str] = ()
    """Open problems with the data themselves: schema, missing, out of range, stuck."""
    service: Sequence[str] = ()
    """Open problems with the service, and features that are not what training makes of the same row."""
    code_moved: datetime | None = None
    """When other code began to answer."""
    before: Sequence[Spell] = ()
    trained: Sequence[datetime] = ()
    """When a candidate was registered: a drift that ended after one was no season."""


@dataclass(frozen=True)
class Finding:
    """The cause, and what it was concluded from."""

    cause: Cause
    reason: str


def find(evidence: Evidence) -> Finding:
    """What is behind the drift."""
    if evidence.faults:
        return Finding(Cause.DATA_FAULT, f"open problems of the data: {', '.join(evidence.faults)}")
    if evidence.service:
        return Finding(Cause.SERVICE, f"open problems of the service: {', '.join(evidence.service)}")
    moved = evidence.code_moved
    if moved is not None and timedelta(0) <= evidence.opened - moved <= CODE_BEFORE:
        return Finding(Cause.SERVICE, f"other code answers since {moved:%Y-%m-%d %H:%M}, shortly before")
    if rhythm := _rhythm(evidence):
        return Finding(Cause.SEASON, f"it comes about every {rhythm}, and went by itself each time")
    return Finding(Cause.CHANGED, "no fault in the data, none of the service, no rhythm: what is described has changed")


def _rhythm(evidence: Evidence) -> timedelta | None:
    """The usual distance of times in which the drift came and went without a training; None where there is none."""
    alone = [
        one for one in evidence.before if not any(one.opened <= moment <= one.closed for moment in evidence.trained)
    ]
    if len(alone) < _SEASONS:
        return None
    starts = [*sorted(one.opened for one in alone), evidence.opened]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    usual = median(gaps)
    return timedelta(seconds=round(usual)) if all(abs(gap - usual) <= _RHYTHM * usual for gap in gaps) else None
