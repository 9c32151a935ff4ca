"""What a size means on this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Resources of one scoring service."""

    threads: int
    """Threads that numeric libraries may use."""


SIZES = {"small": Size(threads=1), "medium": Size(threads=2), "large": Size(threads=4)}
