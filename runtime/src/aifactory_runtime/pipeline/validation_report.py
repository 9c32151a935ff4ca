"""The report of a run on its data: made by `validate`, added to by `prepare`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.data import quality
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import older_rules
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff


def read(context: Context, handoff: Handoff) -> dict[str, Any]:
    """What validate found; UsageProblem when it has not run."""
    place = handoffs.folder(context.artifacts, handoff.id) / older_rules.REPORT
    if not place.is_file():
        raise UsageProblem(f"run {handoff.id} has not been validated yet: run validate first")
    report: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    quality.refuse(report)
    return report


def write(context: Context, handoff: Handoff, report: Mapping[str, Any]) -> None:
    """Keep it with the run."""
    place = handoffs.folder(context.artifacts, handoff.id) / older_rules.REPORT
    files.write(place, json.dumps(report, indent=2, allow_nan=False))
