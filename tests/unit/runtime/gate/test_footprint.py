"""Size and memory refuse at the gate where the settings say so; the time of an answer never does there."""

from __future__ import annotations

from aifactory_runtime.config.settings import LimitSettings
from aifactory_runtime.gate import footprint
from aifactory_runtime.gate.footprint import Footprint

FOUND = Footprint(model_bytes=2_000, memory_bytes=3_000_000, latency_ms=80.0)


def test_given_no_limits_when_weighed_then_figures_are_shown_and_refuse_nothing() -> None:
    found = footprint.of(FOUND, LimitSettings())
    assert not found.objections
    assert (found.report["model_bytes"], found.report["memory_bytes"], found.report["latency_ms"]) == (
        2_000,
        3_000_000,
        80.0,
    )


def test_given_limits_when_weighed_then_what_is_over_is_named_and_latency_is_left_to_staging() -> None:
    found = footprint.of(FOUND, LimitSettings(model_bytes=1_999, memory_mb=2.5, latency_ms=1.0))
    assert found.objections == (
        "the model's files have 2,000 bytes, 1,999 at most",
        "the loaded model takes 3 MB of memory, 2.5 at most",
    )
    assert not footprint.of(FOUND, LimitSettings(model_bytes=2_000, memory_mb=3.0)).objections


def test_given_a_model_too_large_to_be_loaded_twice_when_weighed_then_it_is_said_and_its_files_count() -> None:
    large = Footprint(model_bytes=200_000_001, memory_bytes=200_000_001, latency_ms=1.0)
    assert not footprint.loaded_twice(large.model_bytes) and footprint.loaded_twice(200_000_000)
    found = footprint.of(large, LimitSettings(memory_mb=200))
    assert "too large to be loaded a second time" in found.report["notes"][0] and len(found.objections) == 1
    assert footprint.of(FOUND, LimitSettings()).report["notes"] == []
