"""Looks for what asks for a training: messages, changed data, changed code, drift. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aifactory_runtime.events import record
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.events.record import Record
from aifactory_runtime.triggers import evidence, inbox, triage
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.inbox import Message
from aifactory_runtime.triggers.request import Ask, Requests, Trigger
from aifactory_runtime.triggers.triage import Cause, Finding

_SHORT = 16
_WHO = "the tick"


@dataclass(frozen=True)
class Causes:
    """What was found that no request is there for yet."""

    asks: list[Ask] = field(default_factory=list)
    first: list[Ask] = field(default_factory=list)
    """What is there when somebody looks for the first time: it is remembered, and asks for nothing."""
    messages: list[Message] = field(default_factory=list)
    findings: dict[str, tuple[str, Finding]] = field(default_factory=dict)
    """What triage found, by the key of the request, with the key of the problem."""


def look(here: Here, known: Requests, events: Record, now: datetime) -> Causes:
    """Everything that asks now and is not known."""
    found = Causes(messages=inbox.read(here.inbox))
    found.asks.extend(message.ask for message in found.messages if message.ask is not None)
    for ask in _changes(here):
        if not known.knows(ask.key):
            (found.asks if known.has_seen(ask.trigger) else found.first).append(ask)
    for newest, ask, finding in _drifts(here, events, now):
        if not known.knows(ask.key) and not known.has_asked_for(finding.cause.value, newest.opened):
            found.asks.append(ask)
            found.findings[ask.key] = (newest.key, finding)
    return found


def read_events(here: Here) -> Record:
    """Events and problems of the environment."""
    return record.read(here.events)


def _changes(here: Here) -> Iterator[Ask]:
    """Data and code as they are; whether they have changed is told by their keys."""
    if not here.trains:
        return
    if here.data is not None:
        yield _changed("new-data", here.data, f"{here.contract.data_source} has changed")
    yield _changed("training-code", here.training_code, "package, conf or the science lock have changed")
    yield _changed(
        "application-code", here.application_code, "features, schema or the consumer's contract have changed"
    )


def _changed(trigger: Trigger, digest: str, why: str) -> Ask:
    return Ask(trigger, digest[:_SHORT], _WHO, why)


def _drifts(here: Here, events: Record, now: datetime) -> Iterator[tuple[Problem, Ask, Finding]]:
    """One request a cause, for all open drifts that have it, with the newest of them.

    Another cause than before asks again: a fault may have been mended. So does a drift that came after a request which
    is over: what was trained then knows nothing of it.
    """
    opened = events.problems.open(now)
    drifts = sorted((one for one in opened if one.kind in evidence.DRIFTS), key=lambda one: (one.opened, one.key))
    found: dict[Cause, list[tuple[Problem, Finding]]] = {}
    for problem in drifts:
        finding = triage.find(evidence.gather(here.contract, problem, opened, events.events, now))
        found.setdefault(finding.cause, []).append((problem, finding))
    for alike in found.values():
        newest, finding = alike[-1]
        yield newest, _asked(finding, [problem for problem, _ in alike], here.contract.environment), finding


def _asked(finding: Finding, problems: Sequence[Problem], environment: str) -> Ask:
    """One request for drifts with the same cause, the newest of them last."""
    newest, cause = problems[-1], finding.cause.value
    facts = {
        "problem": newest.key,
        "environment": environment,
        "cause": cause,
        "because": finding.reason,
        "judged": any(one.facts.get("retrains", True) is not False for one in problems if one.opened == newest.opened),
    }
    others = len(problems) - 1
    there = f"{newest.key} and {others} more are open" if others else f"{newest.key} is open"
    return Ask("drift", f"{cause}:{newest.openings}:{newest.key}", "the monitor", f"{there}: {cause}", facts)
