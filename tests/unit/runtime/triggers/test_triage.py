"""What is behind a drift: a fault in the data, the service, a season, or changed behaviour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aifactory_runtime.triggers.triage import Cause, Evidence, Spell, find

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
DRIFT = Evidence("drift:age", NOW)


def spells(*weeks: float) -> tuple[Spell, ...]:
    return tuple(Spell(NOW - week * WEEK, NOW - week * WEEK + 5 * HOUR) for week in weeks)


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        ({}, Cause.CHANGED),
        ({"faults": ["data_stuck:age"], "service": ["errors"], "before": spells(1, 2)}, Cause.DATA_FAULT),
        ({"service": ["skew:age"], "before": spells(1, 2)}, Cause.SERVICE),
        ({"code_moved": NOW - HOUR}, Cause.SERVICE),
        ({"code_moved": NOW - WEEK}, Cause.CHANGED),
        ({"code_moved": NOW + HOUR}, Cause.CHANGED),
        ({"before": spells(1, 2)}, Cause.SEASON),
        ({"before": spells(2.1, 1.05)}, Cause.SEASON),
        ({"before": spells(1)}, Cause.CHANGED),
        ({"before": spells(1, 8)}, Cause.CHANGED),
        ({"before": spells(1, 2), "trained": [NOW - 2 * WEEK + HOUR]}, Cause.CHANGED),
        ({"before": spells(1, 2), "trained": [NOW - 1.5 * WEEK]}, Cause.SEASON),
    ],
)
def test_given_evidence_when_looked_at_then_the_cause_is_found(known: dict[str, Any], cause: Cause) -> None:
    assert find(replace(DRIFT, **known)).cause is cause
