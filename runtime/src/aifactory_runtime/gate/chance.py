"""How often chance alone does as well as a model: its answers stay, the labels of the test rows are shuffled.

A permutation test. It holds for every metric and any number of rows, and answers that are all the same give p = 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.gate import shuffled_figures, shuffles
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.gate.shuffles import Index

MOST_ROWS = 5_000
MOST_P = 0.01
"""A model passes when chance does as well in one of a hundred shuffles at most."""
_ROUNDING = 1e-9
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Answers:
    """What a model says of the test rows: labels of shape (rows,), and of a classifier shares of (rows, classes)."""

    predicted: Array
    shares: Array | None
    classes: Sequence[Any] = ()
    positive: Any = None

    @property
    def judged(self) -> Array:
        """What figures are made of: the shares of a classifier, else the numbers."""
        return self.predicted if self.shares is None else self.shares

    def of(self, rows: Array) -> Answers:
        """Those of some rows."""
        shares = None if self.shares is None else self.shares[rows]
        return Answers(self.predicted[rows], shares, self.classes, self.positive)

    @property
    def are_one(self) -> bool:
        """Whether every row gets the same answer; groups of other lengths would let its figures differ."""
        return bool((self.judged == self.judged[0]).all())


@dataclass(frozen=True)
class Chance:
    """`p`: the share of shuffles in which chance does as well. `least`: the least p that so few rows can give."""

    p: float
    least: float


def of(
    metric: Metric,
    labels: Array,
    said: Answers,
    *,
    groups: Array | None = None,
    times: Array | None = None,
    seed: int = 0,
) -> Chance:
    """The chance of the figure `metric` over `labels` of shape (rows,); of more than 5,000 rows so many are drawn.

    Rows of equal `groups` belong together: each group gets the labels of another. With `times`, rows near each other in
    time are alike: all labels move on by the same number of rows. Without either each row counts alone.
    """
    draw = np.random.default_rng(seed)
    chosen = np.arange(len(labels))
    if len(labels) > MOST_ROWS:
        chosen = np.sort(draw.choice(len(labels), MOST_ROWS, replace=False))
    if times is not None:
        chosen = chosen[np.argsort(times[chosen], kind="stable")]
        index, ways = shuffles.shifted(len(chosen), draw), float(len(chosen))
    elif groups is not None:
        numbers = shuffles.codes(groups[chosen])
        order = np.argsort(numbers, kind="stable")
        chosen, numbers = chosen[order], numbers[order]
        index, ways = shuffles.whole_groups(numbers, draw), _arrangements(_contents(labels[chosen], numbers))
    else:
        index, ways = shuffles.rows(len(chosen), draw), _arrangements(shuffles.codes(labels[chosen]))
    part = said.of(chosen)
    if part.shares is None:
        held = np.asarray(labels[chosen], dtype=np.float64)
        score = shuffled_figures.of_numbers(metric, held, np.asarray(part.predicted, dtype=np.float64))
    else:
        held, score = shuffled_figures.of_classes(metric, labels[chosen], part.shares, part.classes, part.positive)
    found = _chance(score, held, index, ways)
    return Chance(1.0, found.least) if part.are_one else found


def _chance(score: Callable[[Array], Array], held: Array, orders: Index, ways: float) -> Chance:
    """A shuffle that gives no figure, such as one class on all rows, counts for chance."""
    observed = float(score(held[None, :])[0])
    hits = count = 0
    for index in orders:
        found = score(held[index])
        hits += int((~(found < observed - _ROUNDING * abs(observed))).sum())
        count += len(found)
    return Chance((1 + hits) / (1 + count), max(1 / ways, 1 / (1 + count)))


def _arrangements(things: Array) -> float:
    """In how many ways things, equal ones alike, can be put in order; e^50 stands for all that is more."""
    counts = np.unique(things, return_counts=True)[1]
    ways = math.lgamma(len(things) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
    return math.exp(min(ways, 50.0))


def _contents(labels: Array, groups: Array) -> Array:
    """A number for the labels of each group, the same for groups whose labels are alike."""
    parts = np.split(shuffles.codes(labels), np.flatnonzero(np.diff(groups)) + 1)
    texts = [str(part.tolist() if (part != part[0]).any() else part[0]) for part in parts]
    return shuffles.codes(np.array(texts))
