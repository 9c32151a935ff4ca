"""What runs left out before equal rows counted: rows that are equal were taken for copies, whatever their columns."""

from __future__ import annotations

import json
from typing import Any

from aifactory_runtime.pipeline import run_folder
from aifactory_runtime.storage.place import Place

REPORT = "validation.json"


def left_out(artifacts: Place, run: str) -> int:
    """Rows that a run left out as they equal others; 0 when its report is not there, or made by the rules of today."""
    report = _report(artifacts, run)
    return 0 if "equal_rows" in report else int(report.get("duplicates", 0))


def note(model: str, artifacts: Place, run: str) -> str | None:
    """What the owner of `model`, made by `run`, has to know and do; None when it learned from all rows."""
    left = left_out(artifacts, run)
    if not left:
        return None
    return (
        f"{model} learned from a table without {left} rows that equal others: unless they are copies, its "
        "probabilities (of a regression its numbers) are wrong. Train again and release that model: all rows count now"
    )


def left_out_before(artifacts: Place, run: str) -> int:
    """As `left_out`, of the last run beside `run` that has a report; 0 when one of them was made by today's rules."""
    others = [name for name in reversed(run_folder.ids(artifacts)) if name != run]
    reports = (found for found in (_report(artifacts, other) for other in others) if found)
    last: dict[str, Any] = {}
    for found in reports:
        if "equal_rows" in found:
            return 0
        last = last or found
    return int(last.get("duplicates", 0))


def _report(artifacts: Place, run: str) -> dict[str, Any]:
    """The report of a run's data; empty when there is none."""
    try:
        found = json.loads((artifacts / "runs" / run / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
