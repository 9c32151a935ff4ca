"""The one rule that decides over a request to train again, from facts alone; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from aifactory_runtime.contract.manifest import Policy
from aifactory_runtime.triggers.request import Trigger
from aifactory_runtime.triggers.triage import Cause, Finding

MOST_REFUSALS = 3
"""After so many refused candidates in a row a person experiments, in place of one more training."""
MOST_BEGINNINGS = 3
"""A request whose training was killed so often is not begun again."""
_ASKED_BY_PEOPLE: frozenset[Trigger] = frozenset({"calendar", "by-hand"})
"""Whom the policy does not ask again: the owner wrote the schedule, a person typed the command."""


class Decision(Enum):
    """What becomes of a request now."""

    TRAIN = "train"
    WAIT = "wait"
    ASK = "ask a person"
    REFUSE = "refuse"
    TASK = "open an experiment task"
    HAND_ON = "hand on to where models are trained"


@dataclass(frozen=True)
class Facts:
    """What the rule looks at."""

    trigger: Trigger
    policy: Policy
    pace: timedelta
    trains_here: bool = True
    approved: bool = False
    running: bool = False
    same: str | None = None
    """What trained on the same data with the same code before."""
    refusals: int = 0
    """Candidates that the gate refused in a row."""
    finding: Finding | None = None
    """What triage found, of a drift."""
    judged: bool = True
    """Whether the monitor knows by the champion's own traffic how far it moves without any change."""
    fault: str | None = None
    """An open fault of the data."""
    since_last: timedelta | None = None
    """Since a training began; None when there was none."""
    beginnings: int = 0


@dataclass(frozen=True)
class Verdict:
    """The decision and why, in a clause for people."""

    decision: Decision
    reason: str
    again: timedelta = timedelta(minutes=10)
    """When to look again at a request that waits."""


def decide(facts: Facts) -> Verdict:
    """What becomes of a request. What may never be trained comes first: no approval and no policy overrules it."""
    refused = _never(facts)
    if refused is not None:
        return Verdict(Decision.REFUSE, refused)
    if not facts.trains_here:
        return Verdict(Decision.HAND_ON, "nothing is trained in this environment")
    if facts.refusals >= MOST_REFUSALS and facts.trigger != "by-hand":
        return Verdict(Decision.TASK, f"the gate refused the last {facts.refusals} candidates: an experiment is due")
    held_up = None if facts.trigger in _ASKED_BY_PEOPLE else _by_itself(facts)
    if held_up is not None:
        return held_up
    if facts.running:
        return Verdict(Decision.WAIT, "another training runs", timedelta(minutes=1))
    return Verdict(Decision.TRAIN, "nothing speaks against it")


def _never(facts: Facts) -> str | None:
    """Why this is not trained whoever wants it; None when it may be."""
    if not facts.trains_here and facts.trigger in _ASKED_BY_PEOPLE:
        return "nothing is trained in this environment"
    if facts.beginnings >= MOST_BEGINNINGS:
        return f"its training began {facts.beginnings} times and never came to an end"
    if facts.finding is not None and facts.finding.cause in (Cause.DATA_FAULT, Cause.SEASON):
        return f"{facts.finding.cause.value}: {facts.finding.reason}"
    if facts.same is not None:
        return f"the same data and code were trained by {facts.same}"
    return None


def _by_itself(facts: Facts) -> Verdict | None:
    """What holds up a request that neither the schedule nor a person made; None when nothing does."""
    if facts.policy == "off":
        return Verdict(Decision.REFUSE, "retraining.policy is off")
    if facts.fault is not None:
        return Verdict(Decision.WAIT, f"until the data are mended: {facts.fault}")
    if facts.approved:
        return None
    doubtful = not facts.judged or (facts.finding is not None and facts.finding.cause is Cause.SERVICE)
    if facts.policy == "approval" or doubtful:
        return Verdict(Decision.ASK, "a person has to approve it")
    if facts.since_last is not None and facts.since_last < facts.pace:
        left = timedelta(seconds=round((facts.pace - facts.since_last).total_seconds()))
        return Verdict(Decision.WAIT, f"for {left}, as retraining.pace says", left)
    return None
