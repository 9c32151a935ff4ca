"""Gathers what triage looks at: open problems, earlier ones of the same kind, and when code and champion moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log as audit
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.events import kinds
from aifactory_runtime.events.event import ACKNOWLEDGED, CLOSED, OPEN, Event
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.triggers.triage import Evidence, Spell

DRIFTS = frozenset({kinds.DRIFT, kinds.PREDICTION_DRIFT})
FAULTS = frozenset(
    {kinds.INPUTS_DO_NOT_FIT, kinds.MISSING_VALUES, kinds.OUT_OF_RANGE, kinds.STUCK_COLUMN, kinds.UNSEEN_VALUES}
)
SERVICE = frozenset({kinds.SERVICE_DOWN, kinds.SERVICE_ERRORS, kinds.NOT_RECORDED})
"""Kinds of the monitors' problems, by what they say of a drift beside them."""
_SERVES = ("released", "rolled back")
"""Lines of the audit log after which other code may answer."""
_MAY_BE_RIGHT = frozenset({kinds.UNSEEN_VALUES, kinds.OUT_OF_RANGE})
"""Values that training did not know, which are no fault once a person has acknowledged them: they may be right."""


def faults(opened: Iterable[Problem], now: datetime) -> list[str]:
    """Keys of the open problems that are faults in the data."""
    return [one.key for one in opened if one.kind in FAULTS and not _looked_at(one, now)]


def gather(
    contract: EnvironmentContract, problem: Problem, opened: Sequence[Problem], events: Sequence[Event], now: datetime
) -> Evidence:
    """What is known about the drift that `problem` is, in the environment where it was found."""
    moves = audit.read(Path(contract.audit_uri))
    return Evidence(
        problem.key,
        problem.opened,
        faults=faults(opened, now),
        service=[one.key for one in opened if one.kind in SERVICE],
        code_moved=_code_moved(moves),
        before=spells(events, problem.key),
        trained=[_time(line) for line in moves if line["action"] == "champion moved"],
    )


def spells(events: Iterable[Event], key: str) -> list[Spell]:
    """The times in which the problem `key` was there and went by itself."""
    found: list[Spell] = []
    began: datetime | None = None
    for event in (one for one in events if one.key == key):
        if event.state == OPEN:
            began = began or event.time
        elif event.state == CLOSED and began is not None:
            if event.by is None:
                found.append(Spell(began, event.time))
            began = None
    return found


def _looked_at(problem: Problem, now: datetime) -> bool:
    return problem.kind in _MAY_BE_RIGHT and problem.state(now) == ACKNOWLEDGED


def _code_moved(moves: Iterable[Mapping[str, Any]]) -> datetime | None:
    """When another commit of code than before began to answer."""
    last, moved = None, None
    for line in moves:
        commit = line["facts"].get("code_commit") if line["action"] in _SERVES else None
        if commit is not None and commit != last:
            moved = _time(line) if last is not None else None
            last = commit
    return moved


def _time(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(line["time"])
