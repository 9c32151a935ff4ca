"""A figure with how far chance may have moved it: from what each row adds to it, without drawing anything.

A figure over many rows is near a mean of one number a row (its influence: the delta method, of roc_auc that of DeLong,
DeLong and Clarke-Pearson, 1988). So the spread of these numbers is the noise of the figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.gate.shuffled_figures import ranks

_BINARY = 2
Array = np.ndarray[Any, Any]
Parts = tuple[float, Array]
"""A figure, and what each row adds to it: shape (rows,), with a mean of zero."""


@dataclass(frozen=True)
class Measured:
    """A figure of so many rows."""

    value: float
    rows: int
    error: float
    """Its standard error."""

    @property
    def spread(self) -> float:
        """What one row adds, as a standard deviation; more where rows that are alike count together."""
        return self.error * math.sqrt(self.rows)


def of(metric: Metric, labels: Array, said: Answers, units: Array | None = None) -> Measured | None:
    """The figure `metric` of answers to rows with `labels` of shape (rows,); None where there is none.

    Rows of equal `units` belong together: their noise does not cancel out.
    """
    if not len(labels):
        return None
    if said.shares is None:
        found = _of_numbers(metric, np.asarray(labels, dtype=np.float64), np.asarray(said.predicted, dtype=np.float64))
    else:
        found = _of_classes(metric, labels, said)
    return None if found is None else measured(*found, units)


def of_values(values: Array, units: Array | None = None) -> Measured | None:
    """The mean of some numbers, one a row; None for no rows."""
    return measured(*_mean(np.asarray(values, dtype=np.float64)), units) if len(values) else None


def measured(value: float, adds: Array, units: Array | None = None) -> Measured | None:
    """A figure with its error; None where it is no finite number."""
    parts = adds if units is None else np.bincount(np.unique(units, return_inverse=True)[1], adds)
    count = max(len(parts), 2)
    error = math.sqrt(float((parts**2).sum()) * count / (count - 1)) / len(adds)
    return Measured(value, len(adds), error) if math.isfinite(value) and math.isfinite(error) else None


def noise(was: Measured, now: Measured) -> float:
    """The standard error of the difference of two figures that are alike.

    Both are taken to have the larger spread: few rows that happen to be alike must not look sure.
    """
    return max(was.spread, now.spread) * math.sqrt(1 / was.rows + 1 / now.rows)


def lost(metric: Metric, was: float, now: float) -> float:
    """How much worse a figure is than it was; below zero where it is better."""
    return now - was if metric in LOWER_IS_BETTER else was - now


def _of_numbers(metric: Metric, truth: Array, predicted: Array) -> Parts | None:
    """Errors as shares of the largest number, so that no square is too large."""
    largest = max(float(np.abs(truth).max()), float(np.abs(predicted).max())) or 1.0
    errors = np.abs(truth - predicted) / largest
    if metric == "mae":
        value, adds = _mean(errors)
    elif metric == "median_ae":
        value, adds = _median(errors)
    else:
        squared, of_squares = _mean(errors**2)
        if metric == "r2":
            apart = (truth / largest - (truth / largest).mean()) ** 2
            spread = float(apart.mean())
            return None if spread == 0 else (1 - squared / spread, (squared / spread * apart - errors**2) / spread)
        value = math.sqrt(squared)
        adds = of_squares / (2 * value) if value else of_squares
    return value * largest, adds * largest


def _of_classes(metric: Metric, labels: Array, said: Answers) -> Parts | None:
    """Labels that the model does not know come after its classes."""
    shares = np.asarray(said.shares, dtype=np.float64)
    classes = np.asarray(said.classes).tolist()
    known = {label: number for number, label in enumerate(classes)}
    truth = np.array([known.setdefault(label, len(known)) for label in np.asarray(labels).tolist()])
    predicted = shares.argmax(axis=1)
    if metric == "accuracy":
        return _mean((truth == predicted).astype(np.float64))
    if metric == "log_loss":
        there = truth < len(classes)
        given = np.where(there, shares[np.arange(len(truth)), np.where(there, truth, 0)], 0.0)
        return _mean(-np.log(np.clip(given, np.finfo(np.float64).eps, 1.0)))
    binary = len(classes) == _BINARY
    if metric == "roc_auc":
        places = [1] if binary else range(len(classes))
        return _averaged([_roc_auc(truth == place, shares[:, place]) for place in places])
    only = [int(said.positive != classes[0])] if binary and len(known) == _BINARY else range(len(known))
    return _averaged([_f1(truth == place, predicted == place) for place in only])


def _mean(values: Array) -> Parts:
    value = float(values.mean())
    return value, values - value


def _median(values: Array) -> Parts:
    """What a row adds depends on how densely the values lie around the middle."""
    value, near = float(np.median(values)), min(0.5, 1 / math.sqrt(len(values)))
    low, high = np.quantile(values, (0.5 - near, 0.5 + near))
    return value, np.sign(values - value) * float(high - low) / (4 * near)


def _roc_auc(true: Array, shares: Array) -> Parts | None:
    rows, positive = len(true), int(true.sum())
    if not 0 < positive < rows:
        return None
    together, negative = ranks(shares), rows - positive
    above = (together[true] - ranks(shares[true])) / negative
    below = 1 - (together[~true] - ranks(shares[~true])) / positive
    value, adds = float(above.mean()), np.empty(rows)
    adds[true] = (above - value) * rows / positive
    adds[~true] = (below - value) * rows / negative
    return value, adds


def _f1(true: Array, said: Array) -> Parts | None:
    both = int(true.sum() + said.sum())
    if not both:
        return None
    hits = 2.0 * (true & said)
    value = float(hits.sum() / both)
    return value, (hits - value * (true.astype(np.float64) + said)) * len(true) / both


def _averaged(parts: Sequence[Parts | None]) -> Parts | None:
    there = [part for part in parts if part is not None]
    if not there:
        return None
    return float(np.mean([value for value, _ in there])), np.mean([adds for _, adds in there], axis=0)
