"""What a size means on this machine, where it may be asked for, and what a month of everything is charged at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Bounds of one scoring service."""

    memory_mb: int
    """Memory each of its processes may allocate; a model that wants more fails alone, not the machine."""
    workers: int
    """Processes that answer, each with the model. With two a killed one is no outage."""
    month: float
    """What a month of it is charged at."""


SIZES = {
    "small": Size(memory_mb=2048, workers=1, month=20.0),
    "medium": Size(memory_mb=4096, workers=2, month=40.0),
    "large": Size(memory_mb=8192, workers=2, month=80.0),
}

ALLOWED = {
    "dev": ("small", "medium"),
    "staging": tuple(SIZES),
    "prod": tuple(SIZES),
}
"""Sizes that an environment gives."""

DISK_GB_MONTH = 0.1
COMPUTE_HOUR = 0.5
"""What a gigabyte for a month and an hour of a pipeline are charged at, in the unit of `budget_month`.

These are the company's own figures for charging use cases: change them to yours.
"""
