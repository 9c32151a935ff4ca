"""Rows of equal inputs: a place of its own for each of them, and which of them a frozen reference holds, by count."""

from __future__ import annotations

from typing import Any

import numpy as np

from aifactory_runtime.data.row_hash import Hashes

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.float64]]
_STEP = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: the places of 0, 1, 2, ... steps are spread evenly, wherever one stops."""


def joined(one: Hashes, other: Hashes) -> Hashes:
    """Two numbers of a row as one."""
    made: Hashes = (one * np.uint64(3)) ^ (other * _STEP)
    return made ^ (made >> np.uint64(31))


def apart(hashes: Hashes, same: Hashes, whole: Hashes) -> Hashes:
    """`hashes` plus a step for each row of equal `same` that comes before: the first of each keeps its own.

    Rows come in the order of their hash as a `whole`, those that are equal as they lie in the table.
    """
    made = hashes.copy()
    twice = _repeated(same)
    if twice.any():
        rows = np.flatnonzero(twice)
        order = rows[np.lexsort((whole[rows], same[rows]))]
        made[order] += _nth(same[order]).astype(np.uint64) * _STEP
    return made


def held(whole: Hashes, inputs: Hashes, ranks: Places, reference: tuple[Hashes, Hashes]) -> Mask:
    """The rows that stand for those of the `reference` (its `whole` and `inputs`): as many of each as it holds.

    A row of the reference stands for an equal one, where none is left for one of equal inputs; of several those of the
    lowest rank are taken.
    """
    every = np.arange(len(whole))
    equal = _first(every, whole, (whole, ranks), reference[0])
    made = np.zeros(len(whole), dtype=np.bool_)
    made[equal] = True
    left = np.ones(len(reference[0]), dtype=np.bool_)
    left[_first(np.arange(len(left)), reference[0], (reference[1],), whole[equal])] = False
    made[_first(every[~made], inputs, (whole, ranks), reference[1][left])] = True
    return made


def _first(rows: Any, values: Hashes, order: tuple[Any, ...], wanted: Hashes) -> Any:
    """Of the numbers `rows` those whose value is wanted, each value as often as it is; the first in `order`."""
    names, counts = np.unique(wanted, return_counts=True)
    rows = rows[np.isin(values[rows], names)]
    rows = rows[np.lexsort((*(one[rows] for one in order), values[rows]))]
    if not len(rows):
        return rows
    return rows[_nth(values[rows]) < counts[np.searchsorted(names, values[rows])]]


def _nth(ordered: Hashes) -> Any:
    """How many equal values come directly before each."""
    first = np.ones(len(ordered), dtype=np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first)
    return np.arange(len(ordered)) - np.repeat(starts, np.diff(np.append(starts, len(ordered))))


def _repeated(values: Hashes) -> Mask:
    """True for each value that is there more than once."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    equal = ordered[1:] == ordered[:-1]
    made = np.zeros(len(values), dtype=np.bool_)
    made[order[1:]] = equal
    made[order[:-1]] |= equal
    return made
