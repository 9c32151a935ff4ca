"""What a tick leaves for people: problems that are opened and closed by themselves, and lines of the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log as audit
from aifactory_runtime.events import kinds, record
from aifactory_runtime.events.event import key_of
from aifactory_runtime.events.record import Record
from aifactory_runtime.pipeline.reproduction import provenance
from aifactory_runtime.triggers import evidence, request
from aifactory_runtime.triggers.chores import Done
from aifactory_runtime.triggers.deciding import Decided
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.releasing import Came, Step
from aifactory_runtime.triggers.request import Ask, Request
from aifactory_runtime.triggers.rule import Decision
from aifactory_runtime.triggers.triage import Cause, Finding


def triage(here: Here, ask: Ask, problem: str, finding: Finding) -> None:
    """What is behind a drift goes into the audit log; a fault in the data calls its owner."""
    facts = {"problem": problem, "request": ask.key, "cause": finding.cause.value, "because": finding.reason}
    _audit(here, "triage", facts)
    if finding.cause is Cause.DATA_FAULT:
        owner = here.project.manifest.monitors.data.owner
        record.found(here.events, kinds.DATA_FAULT, {"owner": owner, **facts}, problem)


def problems(here: Here, decided: Sequence[Decided], events: Record, now: datetime) -> None:
    """Who has to approve is called once for the same requests; what is over is closed."""
    opened = events.problems.open(now)
    waiting = [one.request.key for one in decided if one.verdict.decision is Decision.ASK]
    known = next((one for one in opened if one.kind == kinds.RETRAINING_WAITS), None)
    if waiting and (known is None or known.facts.get("requests") != waiting):
        record.found(here.events, kinds.RETRAINING_WAITS, {"requests": waiting})
    over = [one.key for one in opened if one.kind == kinds.RETRAINING_WAITS and not waiting]
    if not evidence.faults(opened, now):
        over += [one.key for one in opened if one.kind == kinds.DATA_FAULT]
    if over:
        record.over(here.events, over, {})


def began(here: Here, one: Request) -> None:
    """A line of the audit log, before the training: for whom, and with the code of which commit."""
    commit = provenance.collect(here.project.root, here.project.manifest.package).commit
    facts = {"request": one.key, "commit": commit, "who": one.who, "why": one.why, "approved_by": one.approved_by}
    _audit(here, "retraining began", {key: value for key, value in facts.items() if value})


def trained(here: Here, facts: Mapping[str, Any]) -> None:
    """Whether the training came to an end."""
    if facts["outcome"] == request.FAILED:
        record.found(here.events, kinds.RETRAINING_FAILED, facts)
    else:
        record.over(here.events, [kinds.RETRAINING_FAILED], facts)


def experiment_task(here: Here, reason: str) -> None:
    """The owner experiments, in place of one more training."""
    owner = here.project.manifest.owner
    record.found(here.events, kinds.EXPERIMENT_TASK, {"owner": owner, "reason": reason})


def chores(here: Here, done: Done, *, again: bool = True) -> None:
    """Which chores failed, and which work again; unless `again`, a failure that is known is not counted once more.

    What was not done now stays as it was: a failure is over when the same chore works, not when it is not due.
    """
    opened = record.read(here.events).problems.open(datetime.now(UTC)) if done.failed and not again else []
    known = {problem.key for problem in opened}
    for one in done.failed:
        if key_of(kinds.CHORE_FAILED, one.name) in known:
            continue
        record.found(here.events, kinds.CHORE_FAILED, {"chore": one.name, "reason": one.reason}, one.name)
    record.over(here.events, [key_of(kinds.CHORE_FAILED, name) for name in done.worked], {})


def set_aside(here: Here, place: Path, reason: str) -> None:
    """A file of the inbox that is no message."""
    record.found(here.events, kinds.MESSAGE_REFUSED, {"file": str(place), "reason": reason}, place.name)


def released(here: Here, step: Step, came: Came) -> None:
    """How a candidate's way goes on, told where it goes."""
    if came.state == request.STOPPED and not came.facts.get("failed"):
        return
    events = Path(here.elsewhere(step.environment).events_uri)
    facts = {"request": step.request.key, "candidate": step.request.version, **came.facts}
    kind = {request.WAITS: kinds.RELEASE_WAITS, request.STOPPED: kinds.RELEASE_FAILED}.get(str(came.state))
    if kind is not None and step.request.released.get(step.environment) != came.state:
        record.found(events, kind, facts)
    over = {request.WAITS: (), request.STOPPED: (kinds.RELEASE_WAITS,)}
    record.over(events, over.get(str(came.state), (kinds.RELEASE_WAITS, kinds.RELEASE_FAILED)), facts)


def message(here: Here, one: Request) -> tuple[str, str]:
    """Name and content of the file that asks where models are trained; the same request has the same ones."""
    said = {
        "id": f"{here.contract.environment} {one.key}",
        "trigger": one.trigger,
        "login": one.who,
        "why": one.why,
        **one.facts,
        "environment": here.contract.environment,
    }
    name = f"{here.contract.environment}-{one.key}".replace("/", "_").replace(":", "-")
    return f"{name}.json", json.dumps(said)


def _audit(here: Here, action: str, facts: Mapping[str, Any]) -> None:
    audit.append(Path(here.contract.audit_uri), action, here.contract.identity, facts)
