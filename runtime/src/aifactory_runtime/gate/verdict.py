"""Judges a candidate by its metrics: better than the baseline and than chance, not worse than the champion."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.config.settings import GateSettings
from aifactory_runtime.gate import footprint
from aifactory_runtime.gate.chance import MOST_P
from aifactory_runtime.gate.metrics import Metric, amount, better, by_less

BASELINE = "baseline."
REFERENCE = "reference."
CHAMPION = "champion."
CHANCE = "chance."
"""Begins the figure that says how often chance does as well: the p of `gate.chance`."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says and on which figures; `sha256` is the digest of the whole report."""

    passed: bool
    reasons: tuple[str, ...]
    report: Mapping[str, Any]
    sha256: str
    remarks: tuple[str, ...] = ()
    """What a person should know of a candidate whatever the verdict."""


def judge(
    metrics: Mapping[str, float],
    name: Metric,
    settings: GateSettings,
    facts: Mapping[str, Any],
    *,
    champion: bool,
    least_p: float = 0.0,
    objections: Sequence[str] = (),
    notes: Sequence[str] = (),
    way_out: str = "",
    parts: Mapping[str, Mapping[str, Any]] | None = None,
) -> Verdict:
    """The verdict on a candidate by the metric `name`; `objections` of training and `parts` are reasons against it too.

    `notes` on the run are remarks of the report; `way_out` is said where the champion is better; `parts` of the report
    stand in it by their names.

    `metrics` holds the metric plain (on the test rows), `baseline.` and `chance.` (on the same rows), `reference.` (on
    the frozen reference) and, where there is a `champion`, `champion.` (on the same reference). `least_p` is the least
    that `chance.` can be with so few test rows. `facts` say which model and data the report is about. A figure that is
    missing or no finite number never passes.
    """
    needed = ("", BASELINE, CHANCE, REFERENCE, *((CHAMPION,) if champion else ()))
    figures = {key: metrics.get(key + name) for key in needed}
    reasons = [*objections, *(_unusable(figures, name) or _not_good_enough(figures, name, settings, least_p, way_out))]
    remarks = [*notes, *_remarks(metrics, name)]
    report = {
        "metric": name,
        "figures": {(key + name): _finite(value) for key, value in figures.items()},
        "settings": {
            **settings.model_dump(exclude_none=True, exclude={"slices", "fairness", "limits", "window"}),
            "metric": name,
        },
        "facts": dict(facts),
        "passed": not reasons,
        "reasons": reasons,
        "remarks": remarks,
        **{key: dict(part) for key, part in (parts or {}).items()},
    }
    return Verdict(not reasons, tuple(reasons), report, digest(report), tuple(remarks))


def digest(report: Mapping[str, Any]) -> str:
    """SHA-256 of a report, the same for equal reports whatever the order of their keys.

    Memory and time of the model are measured anew by each run of the same training: they do not count.
    """
    weighed = report.get(footprint.NAME)
    if isinstance(weighed, Mapping):
        report = {**report, footprint.NAME: {key: weighed[key] for key in weighed if key not in footprint.MEASURED}}
    text = json.dumps(report, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _unusable(figures: Mapping[str, float | None], name: str) -> list[str]:
    return [f"{key}{name} is not a finite number" for key, value in figures.items() if _finite(value) is None]


def _not_good_enough(
    figures: Mapping[str, float | None], name: Metric, settings: GateSettings, least_p: float, way_out: str
) -> list[str]:
    """Reasons against the candidate; all figures are finite."""
    value = {key: figure for key, figure in figures.items() if figure is not None}
    gain, loss = settings.min_gain_over_baseline, settings.max_loss_to_champion
    reasons = []
    if not (better(value[""], value[BASELINE], name) and by_less(value[BASELINE], value[""], gain, name)):
        wanted = f"{amount(gain, name)} better" if gain else "better"
        reasons.append(f"{name} {value['']:.6g} is not {wanted} than the baseline's {value[BASELINE]:.6g}")
    if not value[CHANCE] <= MOST_P:
        reasons.append(_like_chance(name, value[CHANCE], least_p))
    if CHAMPION in value and not by_less(value[CHAMPION], value[REFERENCE], -loss, name):
        reasons.append(
            f"{name} {value[REFERENCE]:.6g} on the reference is more than {amount(loss, name)} worse than the "
            f"champion's {value[CHAMPION]:.6g}" + (f"; {way_out}" if way_out else "")
        )
    return reasons


def _like_chance(name: str, p: float, least_p: float) -> str:
    if least_p > MOST_P:
        return f"so few test rows cannot tell {name} from chance: enlarge data.test_share in conf, or bring more rows"
    return f"{name} is no better than chance: labels shuffled at random do as well in {100 * p:.3g} % of all cases"


def _remarks(metrics: Mapping[str, float], name: Metric) -> list[str]:
    """Other figures that are worse than the baseline's, of a candidate that is better by the one that decides."""
    own = [key.removeprefix(BASELINE) for key in metrics if key.startswith(BASELINE)]
    if name not in own or name not in metrics or not better(metrics[name], metrics[BASELINE + name], name):
        return []
    return [
        f"{other} {metrics[other]:.6g} is worse than the baseline's {metrics[BASELINE + other]:.6g}, though {name} is "
        "better"
        for other in sorted(own)
        if other in metrics and better(metrics[BASELINE + other], metrics[other], other)
    ]


def _finite(value: float | None) -> float | None:
    return value if isinstance(value, int | float) and math.isfinite(value) else None
