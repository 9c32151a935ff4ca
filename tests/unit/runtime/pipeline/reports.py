"""What a run of the pipeline in a small repo said of its model."""

from __future__ import annotations

import json
from typing import Any

from aifactory_runtime.pipeline.context import Context


def gate_report(context: Context, run: str) -> dict[str, Any]:
    """The gate's report on the candidate of a run, by the id of the run."""
    found: dict[str, Any] = json.loads((context.artifacts / "runs" / run / "gate.json").read_text())
    return found
