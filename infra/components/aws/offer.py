"""What may be asked of AWS, and what a month of it is charged at; checks read it without the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """What one scoring service runs on."""

    instance_type: str
    instances: int
    month: float
    """What a month of it is charged at, in USD."""


SIZES = {
    "small": Size(instance_type="ml.m5.large", instances=1, month=90.0),
    "medium": Size(instance_type="ml.m5.xlarge", instances=2, month=360.0),
    "large": Size(instance_type="ml.m5.2xlarge", instances=2, month=720.0),
}
"""The company's figures for charging use cases: change them to those of your contract with AWS."""

STORAGE_GB_MONTH = 0.03
COMPUTE_HOUR = 0.25


def plugins(providers: Path) -> Mapping[str, Path]:
    """None comes with the tool: the engine fetches AWS's own plugin."""
    del providers
    return {}


def service_month(size: str) -> float:
    """What a month of a scoring service of this size is charged at."""
    return SIZES[size].month


def storage_month(disk_gb: float) -> float:
    """What a month of so many gigabytes is charged at."""
    return disk_gb * STORAGE_GB_MONTH


def compute(hours: float) -> float:
    """What so many hours of a pipeline are charged at."""
    return hours * COMPUTE_HOUR
