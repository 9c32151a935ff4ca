"""Whether one model is worse than another on the same rows beyond the noise: their answers are swapped at random.

A permutation test. Were the two alike, who gave which answer would not matter. It holds for every metric and any number
of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.gate.shuffled_figures import ranks

MOST_ROWS = 5_000
SWAPS = 399
BLOCKS = 40
"""Rows in order of time are swapped in so many blocks: those near each other are alike."""
_CELLS = 1_000_000
"""So many answers are swapped at once."""
_ROUNDING = 1e-9
Array = np.ndarray[Any, Any]
Gain = Callable[[Array], Array]
"""Swaps of shape (swaps, rows), true where the first model answers, to the figures of these answers: more is better."""


def blocks(times: Array) -> Array:
    """The block of each row, of moments and numbers of shape (rows,): rows of one block follow each other in time."""
    made = np.empty(len(times), dtype=np.int64)
    order = np.argsort(times, kind="stable")
    made[order] = np.arange(len(times)) * min(BLOCKS, len(times)) // max(len(times), 1)
    return made


def worse(
    metric: Metric,
    labels: Array,
    own: Answers,
    other: Answers,
    *,
    units: Array | None = None,
    most_p: float = 0.01,
    seed: int = 0,
) -> float:
    """The share of swaps in which `own` does as badly beside `other` as it does, for `labels` of shape (rows,).

    Where no swap does, it is the most that the share can be.

    Rows of equal `units`, such as those of one customer, are swapped together. Of more than 5,000 rows so many are
    drawn. It ends as soon as the share is sure to be above `most_p`.
    """
    draw = np.random.default_rng(seed)
    chosen = np.arange(len(labels))
    if len(labels) > MOST_ROWS:
        chosen = np.sort(draw.choice(len(labels), MOST_ROWS, replace=False))
    gain = _gain(metric, labels[chosen], own.of(chosen), other.of(chosen))
    codes = chosen if units is None else units[chosen]
    together = np.unique(codes, return_inverse=True)[1]
    everyone = np.ones((1, len(chosen)), dtype=bool)
    observed = float((gain(everyone) - gain(~everyone))[0])
    found = np.empty(0)
    hits = 0
    for size in _sizes(len(chosen)):
        swapped = draw.integers(0, 2, (size, int(together.max()) + 1), dtype=np.int8).astype(bool)[:, together]
        found = np.concatenate([found, gain(swapped) - gain(~swapped)])
        hits = int((~(found > observed + _ROUNDING * abs(observed))).sum())
        if (1 + hits) / (1 + SWAPS) > most_p and hits:
            break
    counted = (1 + hits) / (1 + len(found))
    return counted if hits else min(counted, _tail(observed, found))


def _tail(observed: float, found: Array) -> float:
    """How likely chance is at most to come to a difference that no swap came to.

    A sum whose parts take either sign at random lies beyond z times its spread with exp(-z²/2) at most (Hoeffding), for
    any parts. So a small p takes no more swaps than a large one.
    """
    spread = float(np.sqrt(np.mean(found**2)))
    return math.exp(-0.5 * min(observed / spread, 0.0) ** 2) if spread > 0 else 1.0


def _sizes(rows: int) -> Iterator[int]:
    """How many swaps come at a time: few at first, which is enough for most models that are alike."""
    size, left = 50, SWAPS
    while left:
        size = max(1, min(size, left, _CELLS // max(rows, 1)))
        yield size
        left -= size
        size *= 4


def _gain(metric: Metric, labels: Array, own: Answers, other: Answers) -> Gain:
    if own.shares is None or other.shares is None:
        return _of_numbers(metric, labels, own.predicted, other.predicted)
    classes = list(dict.fromkeys([*np.asarray(own.classes).tolist(), *np.asarray(other.classes).tolist()]))
    numbers = {label: number for number, label in enumerate(classes)}
    truth = np.array([numbers.get(label, -1) for label in np.asarray(labels).tolist()])
    first, second = _aligned(own, classes), _aligned(other, classes)
    if metric == "accuracy":
        return _mean(truth == first.argmax(axis=1), truth == second.argmax(axis=1))
    if metric == "log_loss":
        return _mean(_log_given(first, truth), _log_given(second, truth))
    binary = len(classes) == 2  # noqa: PLR2004
    if metric == "roc_auc":
        wanted = [1] if binary else range(len(classes))
        return _averaged([_roc_auc(truth == place, first[:, place], second[:, place]) for place in wanted])
    wanted = [int(own.positive != classes[0])] if binary and (truth >= 0).all() else range(len(classes))
    said = first.argmax(axis=1), second.argmax(axis=1)
    return _averaged([_f1(truth == place, said[0] == place, said[1] == place) for place in wanted])


def _aligned(said: Answers, classes: Sequence[Any]) -> Array:
    """Shares of shape (rows, classes); a class that a model does not know has none."""
    shares = np.asarray(said.shares, dtype=np.float64)
    made = np.zeros((len(shares), len(classes)))
    places = {label: place for place, label in enumerate(classes)}
    for number, label in enumerate(np.asarray(said.classes).tolist()):
        made[:, places[label]] = shares[:, number]
    return made


def _log_given(shares: Array, truth: Array) -> Array:
    given = np.where(truth >= 0, shares[np.arange(len(truth)), truth], 0.0)
    return np.asarray(np.log(np.clip(given, np.finfo(np.float64).eps, 1.0)))


def _of_numbers(metric: Metric, labels: Array, own: Array, other: Array) -> Gain:
    truth = np.asarray(labels, dtype=np.float64)
    first, second = np.abs(truth - own), np.abs(truth - other)
    if metric == "median_ae":
        return lambda swaps: -np.median(np.where(swaps, first, second), axis=1)
    if metric == "mae":
        return _mean(-first, -second)
    largest = max(float(first.max()), float(second.max())) or 1.0  # so that no square is too large
    return _mean(-((first / largest) ** 2), -((second / largest) ** 2))


def _mean(own: Array, other: Array) -> Gain:
    """Of a gain a row; the root of squared errors orders models as their mean does."""
    difference = own.astype(np.float64) - other
    return lambda swaps: np.asarray(swaps @ difference / len(difference))


def _averaged(gains: Sequence[Gain]) -> Gain:
    def gain(swaps: Array) -> Array:
        found = np.array([one(swaps) for one in gains])
        there = np.isfinite(found)
        total = np.where(there, found, 0.0).sum(axis=0)
        return np.asarray(total / np.maximum(there.sum(axis=0), 1))

    return gain


def _f1(true: Array, own: Array, other: Array) -> Gain:
    """Twice the right answers by those given and those true; of a class that never occurs there is none."""

    def gain(swaps: Array) -> Array:
        said = np.where(swaps, own, other)
        both = true.sum() + said.sum(axis=1)
        return np.asarray(np.where(both > 0, 2.0 * (said & true).sum(axis=1) / np.maximum(both, 1), np.nan))

    return gain


def _roc_auc(true: Array, own: Array, other: Array) -> Gain:
    """By the order of ranks, as the models need not mean the same by the same share; sorted once for all swaps."""
    rows = len(true)
    both = np.concatenate([ranks(own), ranks(other)])
    order = np.argsort(both, kind="stable")
    values, truth = both[order], np.concatenate([true, true])[order]
    starts, ends = np.searchsorted(values, values, "left"), np.searchsorted(values, values, "right")
    positive, negative = int(true.sum()), rows - int(true.sum())

    def gain(swaps: Array) -> Array:
        if not positive or not negative:
            return np.full(len(swaps), np.nan)
        kept = np.concatenate([swaps, ~swaps], axis=1)[:, order]
        below = np.zeros((len(swaps), 2 * rows + 1), dtype=np.int32)
        np.cumsum(kept & ~truth, axis=1, out=below[:, 1:])
        wins = (below[:, starts[truth]] + below[:, ends[truth]]) * kept[:, truth]
        return np.asarray(wins.sum(axis=1) / (2.0 * positive * negative))

    return gain
