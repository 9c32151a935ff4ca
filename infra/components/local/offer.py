"""What may be asked of this machine, and what a month of it is charged at; checks read it without the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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

DISK_GB_MONTH = 0.1
COMPUTE_HOUR = 0.5
"""What a gigabyte for a month and an hour of a pipeline are charged at, in the unit of `budget_month`.

These are the company's own figures for charging use cases: change them to yours.
"""


def plugins(providers: Path) -> Mapping[str, Path]:
    """The provider of this machine's resources."""
    return {"local": providers / "local"}


def service_month(size: str) -> float:
    """What a month of a scoring service of this size is charged at."""
    return SIZES[size].month


def storage_month(disk_gb: float) -> float:
    """What a month of so many gigabytes is charged at."""
    return disk_gb * DISK_GB_MONTH


def compute(hours: float) -> float:
    """What so many hours of a pipeline are charged at."""
    return hours * COMPUTE_HOUR
