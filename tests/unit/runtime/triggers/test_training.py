"""What a training came to is read from the newest run of its request."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.triggers import request, training


@pytest.mark.parametrize(
    ("gate", "outcome"),
    [
        ({"passed": False, "reasons": ["alike"], "nothing_gained": True}, request.NOTHING_GAINED),
        ({"passed": False, "reasons": ["worse"]}, request.BY_GATE),
    ],
)
def test_given_a_run_that_registered_nothing_when_asked_then_alike_and_refused_are_told_apart(
    tmp_path: Path, gate: dict[str, Any], outcome: str
) -> None:
    run = handoffs.Handoff(handoffs.new_id(), "retraining", "c", False, "x", "y", gate=gate, request="drift:a")
    handoffs.save(tmp_path, run)

    found = training._came_to(cast("Context", SimpleNamespace(artifacts=tmp_path)), "drift:a")

    assert found == {"outcome": outcome, "reason": gate["reasons"][0], "run": run.id}
