"""What runs left out before equal rows counted: rows that are equal were taken for copies, whatever their columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs

REPORT = "validation.json"


def left_out(artifacts: Path, run: str) -> int:
    """Rows that a run left out as they equal others; 0 when its report is not there, or made by the rules of today."""
    report = _report(artifacts, run)
    return 0 if "equal_rows" in report else int(report.get("duplicates", 0))


def left_out_before(artifacts: Path, run: str) -> int:
    """As `left_out`, of the last run beside `run` that has a report; 0 when one of them was made by today's rules."""
    others = sorted((one.name for one in (artifacts / "runs").iterdir() if one.name != run), reverse=True)
    reports = (found for found in (_report(artifacts, other) for other in others) if found)
    last: dict[str, Any] = {}
    for found in reports:
        if "equal_rows" in found:
            return 0
        last = last or found
    return int(last.get("duplicates", 0))


def _report(artifacts: Path, run: str) -> dict[str, Any]:
    """The report of a run's data; empty when there is none."""
    try:
        found = json.loads((handoffs.folder(artifacts, run) / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, UsageProblem):
        return {}
    return found if isinstance(found, dict) else {}
