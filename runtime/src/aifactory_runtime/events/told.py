"""Events and problems as people read them, a line each, and as machines do."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from aifactory_runtime.events import kinds
from aifactory_runtime.events.event import Event
from aifactory_runtime.events.problems import Problem, Problems

MINUTES = "%Y-%m-%d %H:%M"


def ordered(found: Problems, now: datetime) -> list[Problem]:
    """Open ones, longest first, then those that are over, newest first."""
    over = [one for one in found.by_key.values() if one.ended(now) is not None]
    return found.open(now) + sorted(over, key=lambda one: (one.last, one.key), reverse=True)


def line(event: Event) -> str:
    """One event: number, time, key, state, facts."""
    facts = ", ".join(f"{name} {value}" for name, value in event.facts.items())
    who = f" by {event.by}" if event.by else ""
    number = event.sequence or event.file
    return f"{number}\t{event.time:{MINUTES}}\t{event.key}\t{event.state}{who}\t{facts}".rstrip()


def sentence(problem: Problem, now: datetime) -> str:
    """How a problem stands, and what to do while it is open."""
    kind, ended = kinds.of(problem.kind), problem.ended(now)
    often = "once" if problem.count == 1 else f"{problem.count} times"
    said = f"{problem.key}: {kind.severity}, found {often} from {problem.opened:{MINUTES}} to {problem.last:{MINUTES}}"
    if ended is not None:
        who = f", closed by {problem.closed_by}" if problem.closed_by else ""
        return f"{said}; over since {ended:{MINUTES}}{who}{_learnt(problem)}"
    return f"{said}; {standing(problem, now)}{_learnt(problem)}; {owner(problem)}: {kind.what_to_do}"


def standing(problem: Problem, now: datetime) -> str:
    """What people did about an open problem."""
    parts = [problem.state(now)]
    if problem.acknowledged_by:
        parts = [f"acknowledged by {problem.acknowledged_by}"]
    if problem.silent(now):
        parts.append(f"silenced until {problem.silenced_until:{MINUTES}}")
    if problem.note:
        parts.append(f"note: {problem.note}")
    return "; ".join(dict.fromkeys(parts))


def values(problem: Problem, now: datetime) -> dict[str, Any]:
    """A problem with what the table of kinds says of it; what says nothing is left out."""
    kind = kinds.of(problem.kind)
    found = asdict(problem) | {"closed": problem.ended(now), "state": problem.state(now)}
    found |= {"severity": kind.severity, "owner": owner(problem), "what_to_do": kind.what_to_do}
    moments = {name: value.isoformat() for name, value in found.items() if isinstance(value, datetime)}
    return {name: value for name, value in (found | moments).items() if value is not None}


def owner(problem: Problem) -> str:
    """The person that a monitor calls, else the persona that such problems are for."""
    return str(problem.facts.get("owner") or kinds.of(problem.kind).owner)


def _learnt(problem: Problem) -> str:
    return f"; would have been caught by {problem.caught_by}" if problem.caught_by else ""
