"""Judges a candidate by its metrics: better than the baseline, not worse than the champion on the frozen reference."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.config.settings import GateSettings

BASELINE = "baseline."
REFERENCE = "reference."
CHAMPION = "champion."
_LOWER_IS_BETTER = frozenset({"log_loss"})


@dataclass(frozen=True)
class Verdict:
    """What the gate says and on which figures; `sha256` is the digest of the whole report."""

    passed: bool
    reasons: tuple[str, ...]
    report: Mapping[str, Any]
    sha256: str


def judge(metrics: Mapping[str, float], settings: GateSettings, facts: Mapping[str, Any], *, champion: bool) -> Verdict:
    """The verdict on a candidate.

    `metrics` holds the metric plain (on the test rows), `baseline.` (on the same rows), `reference.` (on the frozen
    reference) and, where there is a `champion`, `champion.` (on the same reference). `facts` say which model and data
    the report is about. A figure that is missing or no finite number never passes.
    """
    name = settings.metric
    needed = ("", BASELINE, REFERENCE, CHAMPION) if champion else ("", BASELINE, REFERENCE)
    figures = {key: metrics.get(key + name) for key in needed}
    reasons = _unusable(figures, name) or _too_low(figures, settings)
    report = {
        "metric": name,
        "figures": {(key + name): _finite(value) for key, value in figures.items()},
        "settings": settings.model_dump(),
        "facts": dict(facts),
        "passed": not reasons,
        "reasons": reasons,
    }
    return Verdict(not reasons, tuple(reasons), report, digest(report))


def digest(report: Mapping[str, Any]) -> str:
    """SHA-256 of a report, the same for equal reports whatever the order of their keys."""
    text = json.dumps(report, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _unusable(figures: Mapping[str, float | None], name: str) -> list[str]:
    return [f"{key}{name} is not a finite number" for key, value in figures.items() if _finite(value) is None]


def _too_low(figures: Mapping[str, float | None], settings: GateSettings) -> list[str]:
    """Reasons against the candidate; all figures are finite."""
    sign = -1.0 if settings.metric in _LOWER_IS_BETTER else 1.0
    value = {key: sign * figure for key, figure in figures.items() if figure is not None}
    reasons = []
    if not value[""] - value[BASELINE] >= settings.min_gain_over_baseline:
        reasons.append(
            f"{settings.metric} {figures['']:.4f} is not {settings.min_gain_over_baseline:g} better than the "
            f"baseline's {figures[BASELINE]:.4f}"
        )
    if CHAMPION in value and not value[CHAMPION] - value[REFERENCE] <= settings.max_loss_to_champion:
        reasons.append(
            f"{settings.metric} {figures[REFERENCE]:.4f} on the reference is more than "
            f"{settings.max_loss_to_champion:g} worse than the champion's {figures[CHAMPION]:.4f}"
        )
    return reasons


def _finite(value: float | None) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
