"""The rule over a request: what is never trained, whom the policy asks, what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aifactory_runtime.triggers.rule import Decision, Facts, decide
from aifactory_runtime.triggers.triage import Cause, Finding

DAY = timedelta(days=1)
MESSAGE = Facts("message", "automatic", DAY)
CHANGED, SERVICE = Finding(Cause.CHANGED, "x"), Finding(Cause.SERVICE, "x")


@pytest.mark.parametrize(
    ("changed", "decision"),
    [
        ({}, Decision.TRAIN),
        ({"trigger": "drift", "finding": CHANGED}, Decision.TRAIN),
        ({"trigger": "drift", "finding": SERVICE}, Decision.ASK),
        ({"trigger": "drift", "finding": SERVICE, "approved": True}, Decision.TRAIN),
        ({"policy": "approval"}, Decision.ASK),
        ({"policy": "approval", "approved": True}, Decision.TRAIN),
        ({"policy": "approval", "approved": True, "since_last": DAY / 2}, Decision.TRAIN),
        ({"policy": "approval", "trigger": "calendar"}, Decision.TRAIN),
        ({"policy": "off"}, Decision.REFUSE),
        ({"policy": "off", "approved": True}, Decision.REFUSE),
        ({"policy": "off", "trigger": "calendar"}, Decision.TRAIN),
        ({"policy": "off", "trigger": "by-hand"}, Decision.TRAIN),
        ({"since_last": DAY / 2}, Decision.WAIT),
        ({"since_last": DAY}, Decision.TRAIN),
        ({"since_last": DAY / 2, "trigger": "by-hand"}, Decision.TRAIN),
        ({"running": True}, Decision.WAIT),
        ({"running": True, "trigger": "by-hand"}, Decision.WAIT),
        ({"fault": "data_range:age"}, Decision.WAIT),
        ({"fault": "data_range:age", "approved": True}, Decision.WAIT),
        ({"refusals": 2}, Decision.TRAIN),
        ({"refusals": 3}, Decision.TASK),
        ({"refusals": 3, "trigger": "calendar"}, Decision.TASK),
        ({"refusals": 3, "trigger": "by-hand"}, Decision.TRAIN),
        ({"trains_here": False}, Decision.HAND_ON),
        ({"trains_here": False, "trigger": "drift", "finding": CHANGED}, Decision.HAND_ON),
        ({"trains_here": False, "trigger": "drift", "finding": Finding(Cause.SEASON, "x")}, Decision.REFUSE),
        ({"trains_here": False, "trigger": "by-hand"}, Decision.REFUSE),
        ({"trigger": "drift", "finding": CHANGED, "judged": False}, Decision.ASK),
    ],
)
def test_given_facts_when_decided_then_so(changed: dict[str, Any], decision: Decision) -> None:
    assert decide(replace(MESSAGE, **changed)).decision is decision


@pytest.mark.parametrize(
    ("never", "because"),
    [
        ({"finding": Finding(Cause.DATA_FAULT, "age is stuck")}, "age is stuck"),
        ({"finding": Finding(Cause.SEASON, "each week")}, "each week"),
        ({"same": "version 4"}, "version 4"),
        ({"beginnings": 3}, "began 3 times"),
    ],
)
@pytest.mark.parametrize("trigger", ["drift", "by-hand"])
def test_given_what_is_never_trained_when_approved_and_automatic_then_it_is_refused_all_the_same(
    never: dict[str, Any], because: str, trigger: Any
) -> None:
    verdict = decide(replace(MESSAGE, trigger=trigger, approved=True, **never))
    assert verdict.decision is Decision.REFUSE and because in verdict.reason
