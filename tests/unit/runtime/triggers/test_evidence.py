"""Which open problems are a fault in the data: those that nobody looked at, and those that cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aifactory_runtime.events import kinds
from aifactory_runtime.events.event import ACKNOWLEDGED, CLOSED, OPEN, Event
from aifactory_runtime.events.problems import fold
from aifactory_runtime.triggers.evidence import FAULTS, faults

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_given_a_problem_of_the_data_when_acknowledged_then_only_values_that_may_be_right_are_no_fault(
    kind: str,
) -> None:
    key = f"{kind}:age"
    found = [Event(NOW, kind, key, OPEN, sequence=1)]
    looked_at = [*found, Event(NOW + HOUR, kind, key, ACKNOWLEDGED, by="ana", sequence=2)]
    found_again = [*looked_at, Event(NOW + 2 * HOUR, kind, key, OPEN, sequence=3)]
    over_and_back = [
        *looked_at,
        Event(NOW + 2 * HOUR, kind, key, CLOSED, sequence=3),
        Event(NOW, kind, key, sequence=4),
    ]

    def named(events: list[Event]) -> list[str]:
        return faults(fold(events).open(NOW + 3 * HOUR), NOW + 3 * HOUR)

    may_be_right = kind in {kinds.UNSEEN_VALUES, kinds.OUT_OF_RANGE}
    assert named(found) == [key]
    assert named(looked_at) == ([] if may_be_right else [key])
    assert named(found_again) == ([] if may_be_right else [key])
    assert named(over_and_back) == [key], "it is another one"
