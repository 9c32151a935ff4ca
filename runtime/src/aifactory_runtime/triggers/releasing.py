"""A registered candidate goes on by itself: staging's test, then prod, as far as no person is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from aifactory_runtime.release import exclusive
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.request import REGISTERED, RELEASED, STOPPED, WAITS, Request, Requests

Say = Callable[[str], None]
PATH = ("staging", "prod")
"""Where a candidate goes, in this order."""
OVERTAKEN = "a later candidate has taken its place"


@dataclass(frozen=True)
class Step:
    """A candidate and where it goes next."""

    request: Request
    environment: str


@dataclass(frozen=True)
class Came:
    """What a step came to; `state` is None when it was not begun, as another release runs there."""

    state: str | None
    facts: dict[str, Any] = field(default_factory=dict)


def steps(known: Requests) -> list[Step]:
    """The next step of each candidate that has one, oldest first; no I/O."""
    candidates = [one for one in known.ended() if one.outcome == REGISTERED and one.version is not None]
    return [Step(one, where) for one in candidates if (where := _next(one)) is not None]


def overtaken(found: Sequence[Step]) -> Sequence[Step]:
    """Those that a later candidate makes pointless; no I/O."""
    return found[:-1]


def advance(here: Here, environment: str, say: Say) -> Came:
    """Release to `environment` what `release` would choose, unless a release runs there already."""
    try:
        contract = here.elsewhere(environment)
    except UsageProblem as error:
        return Came(STOPPED, {"reason": str(error)})
    if contract.retired is not None:
        return Came(STOPPED, {"reason": f"retired there: {contract.retired}"})
    return Came(None) if exclusive.is_held(contract) else _released(here, contract, say)


def _released(here: Here, contract: EnvironmentContract, say: Say) -> Came:
    from aifactory_runtime.release import run

    try:
        outcome = run.release(here.project.root, contract.environment, None, say)
    except NeedsPerson as waiting:
        return Came(WAITS, {"reason": str(waiting).partition("\n")[0]})
    except FactoryError as error:
        if exclusive.is_held(contract):  # another one was faster
            return Came(None)
        return Came(STOPPED, {"reason": str(error).partition("\n")[0], "failed": True})
    tried = {} if outcome.live_test is None else {"reason": f"in live test {outcome.live_test}"}
    return Came(RELEASED, {"version": outcome.version, "model_sha256": outcome.model_sha256, **tried})


def watched(here: Here, known: Requests) -> list[Path]:
    """Where an approval shows for which a release waits: the audit log of that environment."""
    found = []
    for step in steps(known):
        if step.request.released.get(step.environment) == WAITS:
            try:
                found.append(Path(here.elsewhere(step.environment).audit_uri) / "audit.jsonl")
            except UsageProblem:
                continue
    return found


def _next(request: Request) -> str | None:
    for environment in PATH:
        state = request.released.get(environment)
        if state == STOPPED:
            return None
        if state != RELEASED:
            return environment
    return None
