"""Looks for what asks for a training: messages, changed data, changed code, drift. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from aifactory_runtime.events import record
from aifactory_runtime.events.record import Record
from aifactory_runtime.triggers import evidence, inbox, triage
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.inbox import Message
from aifactory_runtime.triggers.request import Ask, Requests, Trigger
from aifactory_runtime.triggers.triage import Finding

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
    for ask, problem, finding in _drifts(here, events, now):
        if not known.knows(ask.key):
            found.asks.append(ask)
            found.findings[ask.key] = (problem, finding)
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


def _drifts(here: Here, events: Record, now: datetime) -> Iterator[tuple[Ask, str, Finding]]:
    """Each open drift with what is behind it. Another cause than before asks again: a fault may have been mended."""
    opened = events.problems.open(now)
    for problem in (one for one in opened if one.kind in evidence.DRIFTS):
        finding = triage.find(evidence.gather(here.contract, problem, opened, events.events, now))
        subject = f"{finding.cause.value}:{problem.openings}:{problem.key}"
        facts = {
            "problem": problem.key,
            "environment": here.contract.environment,
            "cause": finding.cause.value,
            "because": finding.reason,
            "judged": problem.facts.get("retrains", True) is not False,
        }
        yield (
            Ask("drift", subject, "the monitor", f"{problem.key} is open: {finding.cause.value}", facts),
            problem.key,
            finding,
        )
