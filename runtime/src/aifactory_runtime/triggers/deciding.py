"""Asks the rule about each request that waits, with what is known of it now. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aifactory_runtime.contract.manifest import Policy
from aifactory_runtime.events import kinds
from aifactory_runtime.events.record import Record
from aifactory_runtime.triggers import evidence, rule, training
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.request import Request, Requests
from aifactory_runtime.triggers.rule import Facts, Verdict
from aifactory_runtime.triggers.triage import Cause, Finding


@dataclass(frozen=True)
class Decided:
    """A request and what becomes of it now."""

    request: Request
    verdict: Verdict


def decide(here: Here, known: Requests, events: Record, now: datetime) -> list[Decided]:
    """The verdict on each request that waits, oldest first."""
    waiting = known.pending()
    if not waiting:
        return []
    running = training.is_running(here)
    fault = next(iter(evidence.faults(events.problems.open(now), now)), None)
    found = []
    for request in waiting:
        facts = _facts(here, request, known, events, now, running=running, fault=fault)
        found.append(Decided(request, rule.decide(facts)))
    return found


def _facts(
    here: Here, request: Request, known: Requests, events: Record, now: datetime, *, running: bool, fault: str | None
) -> Facts:
    last = known.last_began()
    policy: Policy = here.contract.retraining_policy
    return Facts(
        request.trigger,
        policy,
        timedelta(seconds=here.contract.retraining_pace),
        trains_here=here.trains,
        approved=request.approved_by is not None,
        running=running,
        same=_same(here, request, known),
        refusals=known.refusals(_begins_anew(events)),
        finding=_finding(request),
        judged=request.facts.get("judged") is not False,
        fault=fault,
        since_last=None if last is None else max(now - last, timedelta(0)),
        beginnings=len(request.began),
    )


def _same(here: Here, request: Request, known: Requests) -> str | None:
    """Who trained the same before. A request that began already goes on with what it began."""
    if request.began or not here.trains:
        return None
    found = known.same(here.fingerprint)
    if found is None:
        return None
    return found.key if found.version is None else f"{found.key}: version {found.version}"


def _begins_anew(events: Record) -> datetime | None:
    """When a candidate was registered, or a person closed the experiment task: refusals before count no more."""
    problems = events.problems.by_key
    closed = [problems[key].closed for key in (kinds.GATE_REFUSED, kinds.EXPERIMENT_TASK) if key in problems]
    return max((moment for moment in closed if moment is not None), default=None)


def _finding(request: Request) -> Finding | None:
    """What triage found when the drift was seen, here or where it was seen."""
    said = request.facts.get("cause")
    cause = next((one for one in Cause if one.value == said), None)
    return None if cause is None else Finding(cause, str(request.facts.get("because", "")))
