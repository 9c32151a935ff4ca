"""A model card as JSON has it: what a model is, how it did and what was checked; of the rows aggregates only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_FIGURES = ("", "baseline.", "reference.", "champion.")
_PARTS = ("principles", "slices", "fairness", "calibration", "explanations", "stress", "footprint")


@dataclass(frozen=True)
class About:
    """What a card says beside the gate's report."""

    title: str
    use_case: str
    owner: str
    team: str
    problem: str
    risk: str
    data_classification: str
    target: str
    classes: Sequence[str]
    columns: Sequence[str]
    """Raw columns that a request brings, by name and kind."""
    ignored: Sequence[str]
    """Columns of the table that no model sees."""
    estimator: str
    parameters: Mapping[str, Any]
    run: str
    commit: str
    dirty: bool
    model_sha256: str
    tables: Mapping[str, str]
    """Version and digest of each table."""
    figures_note: str = ""
    """What to know before figures are read, as that rows are made up."""


def of(about: About, report: Mapping[str, Any], metrics: Mapping[str, float]) -> dict[str, Any]:
    """The card; `metrics` are those of the run, by name."""
    names = [name for name in metrics if "." not in name]
    return {
        "about": asdict(about),
        "metric": report["metric"],
        "passed": report["passed"],
        "reasons": list(report["reasons"]),
        "remarks": list(report["remarks"]),
        "figures": {name: {key or "candidate": metrics.get(key + name) for key in _FIGURES} for name in names},
        **{part: report[part] for part in _PARTS if part in report},
    }
