"""What a model takes: bytes of its files, memory when it is loaded, time for one row; limits are of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_runtime.config.settings import LimitSettings
from aifactory_runtime.gate.evidence import Evidence

NAME = "footprint"
MEASURED = frozenset({"memory_bytes", "latency_ms"})
"""What differs from one measurement to the next, and is no part of a report's digest."""
LOADED_TWICE = 200_000_000
"""Files of more bytes are not loaded a second time to see what memory they take: evaluate holds the model already."""
_NOT_LOADED = "too large to be loaded a second time: memory is taken to be the size of the files"
_MB = 1e6


@dataclass(frozen=True)
class Footprint:
    """As measured where the model is trained."""

    model_bytes: int
    memory_bytes: int
    latency_ms: float
    """Median over several answers to one row."""


def loaded_twice(model_bytes: int) -> bool:
    """Whether a model of this size is loaded once more, to be measured."""
    return model_bytes <= LOADED_TWICE


def of(found: Footprint, limits: LimitSettings) -> Evidence:
    """The figures, and objections where size or memory are over their limits; the time decides in staging alone."""
    said = []
    if limits.model_bytes is not None and found.model_bytes > limits.model_bytes:
        said.append(f"the model's files have {found.model_bytes:,} bytes, {limits.model_bytes:,} at most")
    if limits.memory_mb is not None and found.memory_bytes > limits.memory_mb * _MB:
        said.append(f"the loaded model takes {found.memory_bytes / _MB:.3g} MB of memory, {limits.memory_mb:g} at most")
    report = {
        "model_bytes": found.model_bytes,
        "memory_bytes": found.memory_bytes,
        "latency_ms": found.latency_ms,
        "limits": limits.model_dump(include={"model_bytes", "memory_mb", "latency_ms"}),
        "notes": [] if loaded_twice(found.model_bytes) else [_NOT_LOADED],
    }
    return Evidence(NAME, report, tuple(said))
