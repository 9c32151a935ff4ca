"""How many values of a window lie outside the range of the training rows by chance alone: exactly, for any column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_ONE_SIDE = 0.001
Array = np.ndarray[Any, Any]


def most_outside(trained: int, rows: int, chance: float) -> int:
    """So many of `rows` values lie outside at most, but for a `chance` of that; `trained` values made the range.

    Both are 1 at least. The range goes from one training value to another, in order of size. How much of the same
    distribution lies outside of two of so many values is a beta distribution whatever the column is like (a tolerance
    interval of Wilks, 1941), so the count is beta-binomial: the noise of few training rows is in it. Values that are
    equal make it less, never more.
    """
    outside = math.ceil(_ONE_SIDE * trained) + math.floor(_ONE_SIDE * trained) + 1
    likely = _beta_binomial(rows, outside, trained + 1 - outside)
    above = 1 - np.cumsum(likely)
    return int(np.argmax(above <= chance)) if bool((above <= chance).any()) else rows


def _beta_binomial(rows: int, a: int, b: int) -> Array:
    """How likely each count from 0 to `rows` is; of shape (rows + 1,). All is outside where b is 0."""
    if b <= 0:
        return np.concatenate([np.zeros(rows), [1.0]])
    first = math.lgamma(a + b) - math.lgamma(b) + math.lgamma(b + rows) - math.lgamma(a + b + rows)
    count = np.arange(rows)
    steps = np.log((rows - count) / (count + 1) * (a + count) / (b + rows - count - 1))
    return np.asarray(np.exp(first + np.concatenate([[0.0], np.cumsum(steps)])))
