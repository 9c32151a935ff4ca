"""What a walk along an audit log found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verification:
    """What a walk along the chain found; `problem` names the first line that does not fit, and is None when all do."""

    lines: int
    head: str
    problem: str | None
