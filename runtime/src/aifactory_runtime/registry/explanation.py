"""Why a model answers so: what each raw column adds to the answer, beside the mean answer over the background rows.

Shapley values by permutation: the columns of background rows are replaced by those of the row, one after the other, and
what each replacement changes in the mean answer is that column's. Half of the orders are drawn by a fixed seed, each is
followed by its reverse (antithetic), so that the same request has the same explanation. The values sum to the answer
minus the background's mean, whatever the model is. Numpy only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

ORDERS = 16
SEED = 7
_MOST_CELLS = 1_000_000
"""Cells of the matrix that is scored at once: this bounds the memory of an explanation."""

Array = np.ndarray[Any, Any]
Columns = Mapping[str, Array]
Score = Callable[[Columns], Array]
"""Raw columns of rows in, the explained number of each row out."""


@dataclass(frozen=True)
class Explanation:
    """What the columns add to `answer`: their values and `background_mean` sum to it."""

    answer: float
    background_mean: float
    columns: Mapping[str, float]


def explain(
    answer: float, row: Columns, background: Columns, score: Score, width: int, *, seed: int = SEED
) -> Explanation:
    """The explanation of `answer`, which is `score` of the one row `row`.

    `row` and `background` have the same columns in the same types; `width` is how many columns the model sees;
    another `seed` draws other orders.
    """
    names = list(background)
    rows = len(background[names[0]])
    mean = float(np.mean(score(background)))
    added = np.zeros(len(names))
    steps = max(1, _MOST_CELLS // (rows * max(len(names), width)))
    for order in _orders(len(names), seed):
        means = [np.array([mean])]
        for first in range(1, len(names), steps):
            replaced = np.arange(first, min(first + steps, len(names)))
            scores = score(_mixed(row, background, names, (order, replaced)))
            means.append(scores.reshape(len(replaced), rows).mean(axis=1))
        added[order] += np.diff(np.concatenate([*means, np.array([answer])]))
    shares = added / ORDERS
    return Explanation(answer, mean, dict(zip(names, shares.tolist(), strict=True)))


def _orders(columns: int, seed: int) -> Iterator[Array]:
    chance = np.random.default_rng(seed)
    for _ in range(ORDERS // 2):
        order = chance.permutation(columns)
        yield order
        yield order[::-1]


def _mixed(row: Columns, background: Columns, names: list[str], steps: tuple[Array, Array]) -> dict[str, Array]:
    """For each step all background rows, with as many columns of the row as the step says, the first of the order."""
    order, replaced = steps
    places = np.empty(len(names), dtype=np.int64)
    places[order] = np.arange(len(names))
    rows = len(background[names[0]])
    made = {}
    for name, place in zip(names, places.tolist(), strict=True):
        of_row = np.repeat(place < replaced, rows)
        made[name] = np.where(of_row, row[name], np.tile(background[name], len(replaced)))
    return made
