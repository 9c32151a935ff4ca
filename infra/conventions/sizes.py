"""What a size means on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Bounds of one scoring service."""

    memory_mb: int
    """Memory each of its processes may allocate; a model that wants more fails alone, not the machine."""


SIZES = {"small": Size(memory_mb=2048), "medium": Size(memory_mb=4096), "large": Size(memory_mb=8192)}
