"""Judges a candidate by its metrics: better than the baseline, not worse than the champion on the frozen reference."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.config.settings import GateSettings
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric

BASELINE = "baseline."
REFERENCE = "reference."
CHAMPION = "champion."


@dataclass(frozen=True)
class Verdict:
    """What the gate says and on which figures; `sha256` is the digest of the whole report."""

    passed: bool
    reasons: tuple[str, ...]
    report: Mapping[str, Any]
    sha256: str


def judge(
    metrics: Mapping[str, float],
    name: Metric,
    settings: GateSettings,
    facts: Mapping[str, Any],
    *,
    champion: bool,
    objections: Sequence[str] = (),
) -> Verdict:
    """The verdict on a candidate by the metric `name`; `objections` of training are reasons against it too.

    `metrics` holds the metric plain (on the test rows), `baseline.` (on the same rows), `reference.` (on the frozen
    reference) and, where there is a `champion`, `champion.` (on the same reference). `facts` say which model and data
    the report is about. A figure that is missing or no finite number never passes.
    """
    needed = ("", BASELINE, REFERENCE, CHAMPION) if champion else ("", BASELINE, REFERENCE)
    figures = {key: metrics.get(key + name) for key in needed}
    reasons = [*objections, *(_unusable(figures, name) or _not_good_enough(figures, name, settings))]
    report = {
        "metric": name,
        "figures": {(key + name): _finite(value) for key, value in figures.items()},
        "settings": {**settings.model_dump(exclude_none=True), "metric": name},
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


def _not_good_enough(figures: Mapping[str, float | None], name: Metric, settings: GateSettings) -> list[str]:
    """Reasons against the candidate; all figures are finite."""
    value = {key: figure for key, figure in figures.items() if figure is not None}
    gain, loss = settings.min_gain_over_baseline, settings.max_loss_to_champion
    relative = name in LOWER_IS_BETTER
    reasons = []
    if not _by_less(value[BASELINE], value[""], gain, relative):
        reasons.append(
            f"{name} {value['']:.6g} is not {_amount(gain, relative)} better than the baseline's {value[BASELINE]:.6g}"
        )
    if CHAMPION in value and not _by_less(value[CHAMPION], value[REFERENCE], -loss, relative):
        reasons.append(
            f"{name} {value[REFERENCE]:.6g} on the reference is more than {_amount(loss, relative)} worse than the "
            f"champion's {value[CHAMPION]:.6g}"
        )
    return reasons


def _by_less(other: float, own: float, gain: float, relative: bool) -> bool:
    """Whether `own` is better than `other` by `gain`; where less is better by that share of `other`."""
    return own <= other * (1.0 - gain) if relative else own - other >= gain


def _amount(value: float, relative: bool) -> str:
    return f"{100 * value:.6g} %" if relative else f"{value:.6g}"


def _finite(value: float | None) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
