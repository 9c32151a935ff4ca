"""What a model did on rows it had not seen, as pictures; of the rows only counts and means are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.charts import svg
from aifactory_runtime.charts.svg import Line

Array = np.ndarray[Any, Any]

CONFUSION, CALIBRATION, RESIDUALS = "confusion_matrix.svg", "calibration.svg", "residuals.svg"
IMPORTANCES, LEARNING, SLICES = "importances.svg", "learning_curve.svg", "slices.svg"
_BINS = 10
_MOST_CLASSES = 20
_MOST_FEATURES = 20
_MOST_SLICES = 20
_MOST_SHUFFLED = 200
_ROWS = 500
"""Test rows that importances are taken from, for each feature once more."""
_VALUES = 4_000_000
"""Values that the model is asked about at once."""


def of_classes(labels: Array, predicted: Array, shares: Array, classes: Sequence[Any]) -> dict[str, str]:
    """Confusion matrix and calibration of a classifier: `labels` and `predicted` of shape (rows,), a share a class.

    Of more than 20 classes the 20 most frequent are drawn.
    """
    often = sorted(classes, key=lambda label: -int(np.count_nonzero(labels == label)))[:_MOST_CLASSES]
    shown = [label for label in classes if label in often]
    counts = [[int(np.count_nonzero((labels == truth) & (predicted == said))) for said in shown] for truth in shown]
    names = [str(label) for label in shown]
    drawn = svg.grid(
        "Confusion matrix", f"{len(labels)} test rows", (names, names), counts, of=("is", "the model says")
    )
    return {CONFUSION: drawn, CALIBRATION: _calibration(labels, shares, classes)}


def of_numbers(labels: Array, predicted: Array) -> dict[str, str]:
    """Residuals of a regressor: in ten groups of equal size by what it says, the middle and most of what was wrong."""
    truth, said = np.asarray(labels, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    groups = [group for group in np.array_split(np.argsort(said, kind="stable"), _BINS) if len(group)]
    x = [float(said[group].mean()) for group in groups]
    wrong = [truth[group] - said[group] for group in groups]
    found = [
        Line(name, x, [float(np.quantile(part, share)) for part in wrong])
        for name, share in (("95 of 100 are below", 0.95), ("middle", 0.5), ("5 of 100 are below", 0.05))
    ]
    about = f"{len(truth)} test rows in groups of equal size; a middle far from 0 is a systematic error"
    return {RESIDUALS: svg.lines("Residuals", about, found, ("what the model says", "what is true minus that"))}


def importances(
    predict: Callable[[Array], Array],
    values: Array,
    labels: Array,
    said: Array,
    *,
    features: Sequence[str],
    score: Callable[..., float],
) -> dict[str, str]:
    """How much worse the model gets when one feature's values are shuffled; `score` is higher for better.

    `predict` answers a matrix of shape (rows, features), `said` is what it answered to `values`; `score` takes labels
    and answers. The columns of zeros and ones of one text feature are shuffled together.
    """
    chosen = np.linspace(0, len(values) - 1, min(_ROWS, len(values))).astype(int)
    known, truth = np.asarray(values)[chosen], np.asarray(labels)[chosen]
    usual = score(truth, said[chosen])
    order = np.random.default_rng(0).permutation(len(known))
    columns: dict[str, list[int]] = {}
    for place, name in enumerate(features):
        columns.setdefault(name.partition("=")[0] or name, []).append(place)
    shuffled = list(columns.items())[:_MOST_SHUFFLED]
    lost: dict[str, float] = {}
    at_once = max(1, _VALUES // known.size)  # one call for many: each costs the model's threads a start
    for begin in range(0, len(shuffled), at_once):
        part = shuffled[begin : begin + at_once]
        mixed = np.tile(known, (len(part), 1))
        for number, (_, places) in enumerate(part):
            rows = np.arange(len(known)) + number * len(known)
            mixed[rows[:, None], places] = known[order[:, None], places]
        answered = np.split(predict(mixed), len(part))
        lost |= {name: usual - score(truth, one) for (name, _), one in zip(part, answered, strict=True)}
    names = sorted(lost, key=lambda name: -lost[name])[:_MOST_FEATURES]
    about = f"What is lost when one feature is shuffled among {len(known)} test rows"
    if len(columns) > _MOST_SHUFFLED:
        about += f"; the first {_MOST_SHUFFLED} features only"
    return {IMPORTANCES: svg.bars("Importances", about, names, [lost[name] for name in names], "loss")}


def learning(
    rows: Sequence[int], training: Sequence[float], validation: Sequence[float], metric: str
) -> dict[str, str]:
    """A figure on training and on validation rows against the number of rows that were learned from."""
    found = [Line("training rows", list(rows), training), Line("validation rows", list(rows), validation)]
    about = "While the lines come closer, more rows help; a gap that stays is overfitting"
    return {LEARNING: svg.lines("Learning curve", about, found, ("rows learned from", metric))}


def slices(names: Sequence[str], gained: Sequence[float], by: tuple[str, str, str]) -> dict[str, str]:
    """A bar a slice, of more than 20 the first: how much better a model is there; nothing without slices.

    `by` are the metric, whom the model is held against, and what rows these are.
    """
    if not names:
        return {}
    metric, against, rows = by
    about = f"{metric} beside the {against}'s on {rows}; a bar to the left is a slice that is worse"
    if len(names) > _MOST_SLICES:
        about += f"; {_MOST_SLICES} of {len(names)} slices"
    shown = slice(_MOST_SLICES)
    return {SLICES: svg.bars("Slices", about, names[shown], gained[shown], f"{metric} gained on the {against}")}


def _calibration(labels: Array, shares: Array, classes: Sequence[Any]) -> str:
    """In bins of like probability, how often it came true; one line a class, of two classes one in all."""
    wanted = [(len(classes) - 1, classes[-1])] if len(classes) == 2 else list(enumerate(classes))[:4]  # noqa: PLR2004
    found = []
    for place, label in wanted:
        said, true = shares[:, place], labels == label
        bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
        there = [number for number in range(_BINS) if (bins == number).any()]
        x = [float(said[bins == number].mean()) for number in there]
        found.append(Line(str(label), x, [float(true[bins == number].mean()) for number in there]))
    about = f"{len(labels)} test rows in bins of like probability; on the dashed line a probability is what it says"
    return svg.lines(
        "Calibration", about, found, ("probability the model gives", "share that came true"), diagonal=True
    )
