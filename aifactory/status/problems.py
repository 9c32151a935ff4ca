"""The open problems of each applied use case, as its events have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aifactory.home import Home
from aifactory.provision import applied
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds, record, told


@dataclass(frozen=True)
class OpenProblem:
    """One problem of one use case in one environment, as texts for people."""

    use_case: str
    environment: str
    problem: str
    severity: str
    since: str
    count: int
    state: str
    owner: str
    what_to_do: str


@dataclass(frozen=True)
class Found:
    """What is open, and a line for each thing that could not be read: there may be more."""

    problems: tuple[OpenProblem, ...]
    unread: tuple[str, ...]


def open_problems(home: Home, now: datetime, use_case: str | None = None) -> Found:
    """Those of every applied use case, or only of `use_case`; a retired one has none that anybody has to act on."""
    problems: list[OpenProblem] = []
    unread: list[str] = []
    for name, environment in applied.use_cases(home):
        contract = applied.contract(home, name, environment)
        if use_case in (None, name) and contract.retired is None:
            one = _of(contract, now)
            problems += one.problems
            unread += one.unread
    return Found(tuple(problems), tuple(unread))


def _of(contract: EnvironmentContract, now: datetime) -> Found:
    try:
        found = record.read(Path(contract.events_uri))
    except FactoryError as error:
        return Found((), (str(error),))
    rows = []
    for one in found.problems.open(now):
        kind = kinds.of(one.kind)
        rows.append(
            OpenProblem(
                use_case=contract.use_case,
                environment=contract.environment,
                problem=one.key,
                severity=kind.severity,
                since=f"{one.opened:{told.MINUTES}}",
                count=one.count,
                state=told.standing(one, now),
                owner=kind.owner,
                what_to_do=kind.what_to_do,
            )
        )
    return Found(tuple(rows), found.damaged)
