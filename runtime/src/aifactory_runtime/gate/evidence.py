"""One part of what the gate looks at beside the metric: its place in the report, and what it says of a candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """A part of the gate's report."""

    name: str
    """Its key in the report."""
    report: Mapping[str, Any]
    """As JSON has it; aggregates only."""
    objections: tuple[str, ...] = ()
    """Reasons against the candidate."""
    remarks: tuple[str, ...] = ()
    """What a person should know whatever the verdict."""


def rounded(value: Any) -> Any:
    """What JSON holds, each number that is not whole with six digits: what follows is the order of sums, no finding."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value
