"""How much a model's answers differ between groups of people, and whether a difference is more than chance makes.

Figures are fairlearn's. Chance is a permutation test: were groups alike, whose row is whose would not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate import shuffles
from aifactory_runtime.gate.chance import MOST_P, MOST_ROWS, Answers
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.gate.metrics import REGRESSION
from aifactory_runtime.gate.slices import LEAST_ROWS, Placed

NAME = "fairness"
NOT_NAMED = "no protected columns are named (gate.fairness.columns): differences between groups are not checked"
_OF_CLASSIFICATION = ("equalized_odds", "demographic_parity", "accuracy")
_OF_REGRESSION = ("absolute_error", "mean_error")
_SAID = {
    "selection_rate": "share that is answered with the class",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "accuracy": "accuracy",
    "absolute_error": "mean absolute error",
    "mean_error": "mean error",
}
_MOST_REASONS = 3
_MOST_SHUFFLES = 9_999
_ROUNDING = 1e-9
_TWO = 2
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Judged:
    """Rows with labels, what the model says of them, and what belongs together among them."""

    labels: Array
    said: Answers
    groups: Array | None = None
    """Numbers of shape (rows,), equal for rows that belong together; None where each counts alone."""
    times: Array | None = None
    """Moments of shape (rows,), where rows near each other in time are alike."""


@dataclass(frozen=True)
class Rate:
    """One figure of each group: the mean over some rows of a number a row."""

    metric: str
    """What it belongs to, as `equalized_odds`."""
    figure: str
    of: str
    """The class that it is about; empty where it is about none."""
    true: Array
    """What is so, a number a row; of a classifier 1 where the row is of the class."""
    said: Array
    """What the model says, likewise."""
    values: Array
    """A number a row, of which the figure is the mean over the rows that count."""
    rows: Array
    """Places of the rows that count."""
    whole: float = 1.0
    """What a difference is a share of."""


@dataclass(frozen=True)
class Difference:
    """By how much one figure differs between the two groups that are furthest apart."""

    column: str
    metric: str
    figure: str
    of: str
    value: float | None
    """None with fewer than two groups of enough rows."""
    low: str = ""
    high: str = ""
    found: Mapping[str, tuple[float, int]] | None = None
    """Figure and rows of each group that has enough of them."""
    few: Mapping[str, int] | None = None
    """Rows of the groups that have too few."""
    p: float | None = None
    """How often chance makes such a difference; None where it is within the limit."""
    beyond: bool = False
    """Whether it is more than the limit and no chance."""


def chosen(metric: str | None, problem: str) -> str:
    """The metric that decides; UsageProblem when `metric` is none of the problem's."""
    known = _OF_REGRESSION if problem == REGRESSION else _OF_CLASSIFICATION
    if metric is None or metric in known:
        return metric or known[0]
    raise UsageProblem(f"conf: gate.fairness.metric: {metric} is none of a {problem}; use one of {', '.join(known)}")


def of(
    columns: Sequence[Placed], judged: Judged, metric: str, limit: float | None, *, read: Sequence[str], seed: int
) -> Evidence:
    """What the groups of these columns say; `read` are the columns that the model reads.

    The more differences are judged, the less likely chance has to be: of fair models one in a hundred at most is
    refused.
    """
    if not columns:
        return Evidence(NAME, {"columns": [], "metric": metric, "limit": limit, "found": [], "notes": [NOT_NAMED]})
    found, unsure = differences(columns, judged, metric, limit, seed=seed)
    names = [placed.column for placed in columns]
    notes = [f"the model reads {name}" for name in names if name in read]
    notes += [note for name in names for note in _few([one for one in found if one.column == name], metric)]
    notes += unsure
    beyond = sorted((one for one in found if one.beyond), key=lambda one: -(one.value or 0.0))
    lines = [sentence(one, limit) for one in beyond[:_MOST_REASONS]]
    more = len(beyond) - _MOST_REASONS
    lines += [f"fairness: so it is with {more} more figures, see gate.json"] if more > 0 else []
    report = {
        "columns": names,
        "read_by_the_model": [name for name in names if name in read],
        "metric": metric,
        "limit": limit,
        "rows": len(judged.labels),
        "found": [asdict(one) for one in found],
        "notes": notes,
    }
    refused = tuple(lines) if limit is not None else ()
    return Evidence(NAME, report, refused, () if refused else (*lines, *(f"fairness: {note}" for note in notes)))


def differences(
    columns: Sequence[Placed], judged: Judged, metric: str, limit: float | None, *, seed: int
) -> tuple[list[Difference], list[str]]:
    """Every figure's difference by column, those of `metric` with their chance; and what rows are too few to tell."""
    found: list[Difference] = []
    unsure: list[str] = []
    rates = _rates(judged) if columns else []
    deciding = max(1, len(columns) * sum(rate.metric == metric for rate in rates))
    most_p = max(MOST_P / deciding, 1 / (1 + _MOST_SHUFFLES))
    for placed in columns:
        for rate in rates:
            one = _difference(placed, rate, judged)
            if rate.metric == metric and one.value is not None and one.value > (limit or 0.0) + _ROUNDING:
                p, ever = _chance(placed, rate, judged, one, most_p=most_p, seed=seed)
                one = replace(one, p=p, beyond=p <= most_p)
                if p > most_p and not ever:
                    unsure.append(f"{placed.column}: so few rows cannot tell from chance what {_what(one)} differs by")
            found.append(one)
    return found, unsure


def _rates(judged: Judged) -> list[Rate]:
    every = np.arange(len(judged.labels))
    if judged.said.shares is None:
        told, true = np.asarray(judged.said.predicted, np.float64), np.asarray(judged.labels, np.float64)
        off, whole = told - true, float(np.abs(told - true).mean()) or 1.0
        return [
            Rate("absolute_error", "absolute_error", "", true, told, np.abs(off), every, whole),
            Rate("mean_error", "mean_error", "", true, told, off, every, whole),
        ]
    made = []
    known = list(judged.said.classes)
    positive = judged.said.positive if judged.said.positive in known else known[-1]
    for label in [positive] if len(known) == _TWO else known:
        says, true = (judged.said.predicted == label).astype(np.int64), (judged.labels == label).astype(np.int64)
        here = (str(label), true, says, says.astype(np.float64))
        made += [
            Rate("demographic_parity", "selection_rate", *here, every),
            Rate("equalized_odds", "true_positive_rate", *here, np.flatnonzero(true == 1)),
            Rate("equalized_odds", "false_positive_rate", *here, np.flatnonzero(true == 0)),
        ]
    numbers = {label: number for number, label in enumerate(known)}
    true, says = (
        np.array([numbers.get(label, -1) for label in np.asarray(labels).tolist()])
        for labels in (judged.labels, judged.said.predicted)
    )
    return [*made, Rate("accuracy", "accuracy", "", true, says, (true == says).astype(np.float64), every)]


def _difference(placed: Placed, rate: Rate, judged: Judged) -> Difference:
    """The groups' figures as fairlearn has them, and the largest difference between two."""
    counts = {name: _units(placed, rate, judged, number) for number, name in enumerate(placed.names)}
    enough = [number for number, name in enumerate(placed.names) if counts[name][1] >= LEAST_ROWS]
    there = [placed.names[number] for number in np.unique(placed.places).tolist()]
    few = {name: counts[name][0] for name in there if counts[name][1] < LEAST_ROWS}
    one = Difference(placed.column, rate.metric, rate.figure, rate.of, None, few=few)
    if len(enough) < _TWO:
        return one
    rows = np.flatnonzero(np.isin(placed.places, enough))
    names = np.asarray(placed.names, dtype=object)[placed.places[rows]]
    figures, largest = _by_group(rate, rows, names)
    return replace(
        one,
        value=largest / rate.whole,
        low=min(figures, key=lambda name: figures[name]),
        high=max(figures, key=lambda name: figures[name]),
        found={name: (figure, counts[name][0]) for name, figure in figures.items()},
    )


def _by_group(rate: Rate, rows: Array, names: Array) -> tuple[dict[str, float], float]:
    try:  # here alone: the service has the same environment, and no need of it
        from fairlearn import metrics as fairlearn
        from sklearn.metrics import accuracy_score, mean_absolute_error
    except ImportError:
        raise FactoryError("gate.fairness needs fairlearn, which this environment lacks: run make setup") from None
    figure = {
        "selection_rate": fairlearn.selection_rate,
        "true_positive_rate": fairlearn.true_positive_rate,
        "false_positive_rate": fairlearn.false_positive_rate,
        "accuracy": accuracy_score,
        "absolute_error": mean_absolute_error,
        "mean_error": _mean_error,
    }[rate.figure]
    frame = fairlearn.MetricFrame(
        metrics=figure, y_true=rate.true[rows], y_pred=rate.said[rows], sensitive_features=names
    )
    found = {str(name): float(value) for name, value in frame.by_group.items()}
    return found, float(frame.difference(method="between_groups"))


def _mean_error(true: Array, said: Array) -> float:
    return float(np.mean(said - true))


def _units(placed: Placed, rate: Rate, judged: Judged, number: int) -> tuple[int, int]:
    """How many rows of a group count, and how many of them belong to something of their own."""
    rows = rate.rows[placed.places[rate.rows] == number]
    return len(rows), len(rows) if judged.groups is None else len(np.unique(judged.groups[rows]))


def _chance(
    placed: Placed, rate: Rate, judged: Judged, one: Difference, *, most_p: float, seed: int
) -> tuple[float, bool]:
    """The share of shuffles whose largest difference is as large, and whether any was."""
    draw = np.random.default_rng(seed)
    wanted = [number for number, name in enumerate(placed.names) if name in (one.found or {})]
    rows = rate.rows[np.isin(placed.places[rate.rows], wanted)]
    if len(rows) > MOST_ROWS:
        rows = np.sort(draw.choice(rows, MOST_ROWS, replace=False))
    most = min(_MOST_SHUFFLES, max(shuffles.SHUFFLES, int(np.ceil(1.0 / most_p))))
    if judged.times is not None:
        rows = rows[np.argsort(judged.times[rows], kind="stable")]
        orders = shuffles.shifted(len(rows), draw, most)
    elif judged.groups is not None:
        numbers = shuffles.codes(judged.groups[rows])
        order = np.argsort(numbers, kind="stable")
        rows = rows[order]
        orders = shuffles.whole_groups(numbers[order], draw, most)
    else:
        orders = shuffles.rows(len(rows), draw, most)
    groups, values = shuffles.codes(placed.places[rows]), rate.values[rows]
    observed = float(_spread(groups[None, :], values)[0])
    hits = count = 0
    for index in orders:
        found = _spread(groups[index], values)
        hits += int((found >= observed - _ROUNDING * abs(observed)).sum())
        count += len(found)
        if (1 + hits) / (1 + most) > most_p:
            break
    return (1 + hits) / (1 + count), hits > 0


def _spread(groups: Array, values: Array) -> Array:
    """The largest difference between the groups' means, for groupings of shape (groupings, rows)."""
    means = []
    for number in range(int(groups.max()) + 1):
        here = groups == number
        means.append(here @ values / np.maximum(here.sum(axis=1), 1))
    return np.asarray(np.max(means, axis=0) - np.min(means, axis=0))


def _few(found: Sequence[Difference], metric: str) -> list[str]:
    """Groups that nothing is said about, because they have too few rows."""
    made = []
    for one in found:
        if one.metric != metric:
            continue
        if one.few:
            names = ", ".join(f"{name} ({rows})" for name, rows in one.few.items())
            made.append(f"too few rows to judge the {_what(one)} of {names}")
        if one.value is None:
            made.append(f"{one.column}: no two groups have {LEAST_ROWS} rows that count for the {_what(one)}")
    return made


def _what(one: Difference) -> str:
    return f"{_SAID[one.figure]} of {one.of}" if one.of else _SAID[one.figure]


def sentence(one: Difference, limit: float | None) -> str:
    """What differs by how much, and between whom, as people read it."""
    found = one.found or {}
    most = "" if limit is None else f", {limit:g} at most"
    shown = " and ".join(f"{found[name][0]:.3g} for {name} ({found[name][1]} rows)" for name in (one.high, one.low))
    return (
        f"fairness: {one.metric} differs by {one.value:.3g} between groups of {one.column}{most}: {_what(one)} "
        f"{shown}, and no chance (p {one.p:.2g})"
    )
