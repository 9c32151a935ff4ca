"""What a monitor says of one thing that it watched in one window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

State = Literal["ok", "alarm", "no data", "no labels", "failed"]
"""`no data` is a state of its own: nothing can be said, which is neither good nor bad."""
Area = Literal["service", "data", "model", "cost"]

OK: State = "ok"
ALARM: State = "alarm"
NO_DATA: State = "no data"
NO_LABELS: State = "no labels"
FAILED: State = "failed"


@dataclass(frozen=True)
class Result:
    """One row of the table `monitors`, but for its window."""

    area: Area
    monitor: str
    subject: str = ""
    """The column or slice; empty when the monitor watches the whole window."""
    value: float | None = None
    threshold: float | None = None
    """None where nothing is decided by the value: it is shown."""
    state: State = OK
    reason: str = ""
    """Why the state is what it is, for people; never a value of a row."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else machines need to know."""


def judged(result: Result, value: float, threshold: float, reason: str = "") -> Result:
    """`result` with an alarm, and its reason, when `value` is above `threshold`."""
    if not math.isfinite(value):
        return replace(result, threshold=threshold, state=NO_DATA, reason="the value is no number")
    alarm = value > threshold
    return replace(
        result, value=value, threshold=threshold, state=ALARM if alarm else OK, reason=reason if alarm else ""
    )


def without(result: Result, reason: str) -> Result:
    """`result` where nothing can be said."""
    return replace(result, state=NO_DATA, reason=reason)
