"""Random orders of rows as they belong together: each alone, in whole groups, or moved on in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

SHUFFLES = 999
_CELLS = 1_000_000
"""So many rows are shuffled at once."""
Array = np.ndarray[Any, Any]
Index = Iterator[Array]
"""Which label lies on which row: whole numbers of shape (shuffles, rows)."""


def rows(count: int, draw: np.random.Generator, shuffles: int = SHUFFLES) -> Index:
    """Rows that count each alone."""
    for size in _sizes(count, shuffles):
        yield draw.permuted(np.tile(np.arange(count), (size, 1)), axis=1)


def whole_groups(groups: Array, draw: np.random.Generator, shuffles: int = SHUFFLES) -> Index:
    """Each group with the labels of another, repeated or cut to its length; `groups` are sorted numbers from 0."""
    lengths = np.bincount(groups)
    starts = np.cumsum(lengths) - lengths
    places = np.arange(len(groups)) - starts[groups]
    for size in _sizes(len(groups), shuffles):
        other = draw.permuted(np.tile(np.arange(len(lengths)), (size, 1)), axis=1)[:, groups]
        yield starts[other] + places % lengths[other]


def shifted(count: int, draw: np.random.Generator, shuffles: int = SHUFFLES) -> Index:
    """Every shift of rows in order of time but the one that changes nothing, or as many as are asked for."""
    shifts = np.arange(1, count)
    if len(shifts) > shuffles:
        shifts = draw.choice(shifts, shuffles, replace=False)
    start = 0
    for size in _sizes(count, len(shifts)):
        yield (np.arange(count)[None, :] + shifts[start : start + size, None]) % count
        start += size


def _sizes(count: int, shuffles: int) -> Iterator[int]:
    """How many shuffles come at a time."""
    most = max(1, _CELLS // max(count, 1))
    for start in range(0, shuffles, most):
        yield min(most, shuffles - start)


def codes(values: Array) -> Array:
    """Whole numbers from 0 for values, the same for the same value."""
    return np.unique(values, return_inverse=True)[1]
