"""What imputers and scalers know of their columns, over all rows: merged from partitions, and equal to one process's.

Counts, means, variances, extremes and the most frequent values are merged pair by pair. Medians and quantiles are order
statistics: their place among all rows is narrowed down by counting, in passes, until so few values are left that they
are looked at. No pass holds more than one partition and its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, TypeVar

import numpy as np

from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.errors import UsageProblem

R = TypeVar("R")
Array = np.ndarray[Any, Any]
Each = Callable[[Callable[[Matrix, Array], Any]], Iterator[Any]]
"""Runs a function over matrix and labels of all partitions."""
MOST_VALUES = 1_000_000
"""Different values of a column that are counted for the most frequent one."""
_BITS = 12
_LOOKED_AT = 100_000
"""Values that are looked at one by one, once an order statistic is known to be among them."""
_SIGN = np.uint64(1 << 63)


@dataclass(frozen=True)
class Moments:
    """Of each column, missing values left out: shape (columns,) each. NaN where a column has no value."""

    count: Array
    mean: Array
    squares: Array
    """Sum of the squared distances from the mean."""
    least: Array
    most: Array

    @property
    def variance(self) -> Array:
        """Of the rows themselves, not of what they are drawn from, as scalers take it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.squares / self.count)


@np.errstate(invalid="ignore", divide="ignore")
def moments_of(values: Matrix, labels: Array) -> Moments:
    """Those of one partition."""
    del labels
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    squares = np.where(known, values - mean, 0.0).__pow__(2).sum(axis=0)
    least = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    most = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    return Moments(count, mean, squares, np.where(count, least, np.nan), np.where(count, most, np.nan))


@np.errstate(invalid="ignore", divide="ignore")
def merged(one: Moments, other: Moments) -> Moments:
    """Those of both together."""
    count = one.count + other.count
    apart = other.mean - one.mean
    mean = one.mean + apart * (other.count / count)
    squares = one.squares + other.squares + apart**2 * (one.count * (other.count / count))
    mean = np.where(one.count == 0, other.mean, np.where(other.count == 0, one.mean, mean))
    squares = np.where(one.count == 0, other.squares, np.where(other.count == 0, one.squares, squares))
    return Moments(count, mean, squares, np.fmin(one.least, other.least), np.fmax(one.most, other.most))


def moments(each: Each) -> Moments:
    """Those of all rows."""
    found: Iterator[Moments] = each(moments_of)
    return reduce(merged, found)


def most_frequent(each: Each, names: Sequence[str]) -> Array:
    """Of each column the value that most rows have, of several the least; NaN where there is none.

    UsageProblem for a column of more different values than can be counted.
    """
    totals: list[tuple[Array, Array]] = [(np.empty(0), np.empty(0, dtype=np.int64)) for _ in names]
    for counted in each(_counted):
        for place, (values, counts) in enumerate(counted):
            totals[place] = _added(*totals[place], values, counts)
            if len(totals[place][0]) > MOST_VALUES:
                raise UsageProblem(
                    f"{names[place]} has more than {MOST_VALUES} different values, too many to find the most frequent "
                    "by partition: fill it with the mean, the median or a constant"
                )
    return np.array([values[counts.argmax()] if len(values) else np.nan for values, counts in totals])


def _counted(values: Matrix, labels: Array) -> list[tuple[Array, Array]]:
    del labels
    return [np.unique(column[~np.isnan(column)], return_counts=True) for column in values.T]


def _added(values: Array, counts: Array, more: Array, of_more: Array) -> tuple[Array, Array]:
    found, places = np.unique(np.concatenate([values, more]), return_inverse=True)
    return found, np.bincount(places, np.concatenate([counts, of_more]), len(found)).astype(np.int64)


def medians(each: Each, count: Array) -> Array:
    """Of each column the middle value of the `count` that are known, exactly; NaN where there is none."""
    ranks = [{(known - 1) // 2, known // 2} if known else set() for known in count.tolist()]
    found = order_statistics(each, [(column, rank) for column, of_it in enumerate(ranks) for rank in of_it])
    middle = [[found[column, rank] for rank in sorted(of_it)] for column, of_it in enumerate(ranks)]
    return np.array([np.mean(one) if one else np.nan for one in middle])


def quantiles(each: Each, count: Array, shares: Sequence[float]) -> Array:
    """Shape (shares, columns): values at these shares of the known ones, between two of them in proportion.

    As numpy's quantile gives them: the two neighbours are found exactly.
    """
    wanted = set()
    for column, known in enumerate(count.tolist()):
        lows = [int(np.floor((known - 1) * share)) for share in shares] if known else []
        wanted |= {(column, rank) for low in lows for rank in (low, min(low + 1, known - 1))}
    found = order_statistics(each, wanted)
    made = np.full((len(shares), len(count)), np.nan)
    for row, share in enumerate(shares):
        for column, known in enumerate(count.tolist()):
            if known:
                place = (known - 1) * share
                low = int(np.floor(place))
                below, above = found[column, low], found[column, min(low + 1, known - 1)]
                made[row, column] = _between(below, above, place - low)
    return made


def _between(below: float, above: float, share: float) -> float:
    """As numpy rounds it: from the nearer end."""
    apart = above - below
    return above - apart * (1.0 - share) if share >= 0.5 else below + apart * share  # noqa: PLR2004 (half way)


def order_statistics(each: Each, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], float]:
    """For each column and rank from 0 the value that has this rank among the known values of the column."""
    narrowed = {key: _Narrowed(key[0], 0, 64, key[1], -1) for key in wanted}
    while large := {key: one for key, one in narrowed.items() if not one.small}:
        groups = sorted({one.group for one in large.values()})
        totals = reduce(np.add, each(partial(_counts, groups)))
        narrowed |= {key: one.next(totals[groups.index(one.group)]) for key, one in large.items()}
    groups = sorted({one.group for one in narrowed.values() if one.shift})
    looked = (
        [np.sort(np.concatenate(found)) for found in zip(*each(partial(_members, groups)), strict=True)]
        if groups
        else []
    )
    return {
        key: float(
            looked[groups.index(one.group)][one.rank]
            if one.shift
            else _numbers(np.array([one.prefix], dtype=np.uint64))[0]
        )
        for key, one in narrowed.items()
    }


@dataclass(frozen=True)
class _Narrowed:
    """Where an order statistic lies: among the values of a column whose bits above `shift` are `prefix`."""

    column: int
    prefix: int
    shift: int
    rank: int
    """Among these values."""
    left: int
    """How many they are; -1 before anything was counted."""

    @property
    def group(self) -> tuple[int, int, int]:
        """What several may have in common."""
        return self.column, self.prefix, self.shift

    @property
    def small(self) -> bool:
        """Whether it needs no more counting: few values are left, or all that are left are equal."""
        return self.shift == 0 or 0 <= self.left <= _LOOKED_AT

    def next(self, counts: Array) -> _Narrowed:
        """One pass further, by how many values have each of the next bits."""
        upto = np.cumsum(counts)
        place = int(np.searchsorted(upto, self.rank, side="right"))
        before = int(upto[place - 1]) if place else 0
        bits = min(_BITS, self.shift)
        prefix = (self.prefix << bits) | place
        return _Narrowed(self.column, prefix, self.shift - bits, self.rank - before, int(counts[place]))


def _counts(groups: Sequence[tuple[int, int, int]], values: Matrix, labels: Array) -> Array:
    """Shape (groups, 4096): how many values of each group have each of the next bits."""
    del labels
    made = np.zeros((len(groups), 1 << _BITS), dtype=np.int64)
    for place, (column, prefix, shift) in enumerate(groups):
        bits = min(_BITS, shift)
        chosen = _chosen(_keys(values[:, column]), prefix, shift) >> np.uint64(shift - bits)
        digits = (chosen & np.uint64((1 << bits) - 1)).astype(np.int64)
        made[place] = np.bincount(digits, minlength=1 << _BITS)
    return made


def _members(groups: Sequence[tuple[int, int, int]], values: Matrix, labels: Array) -> list[Array]:
    """The values of each group."""
    del labels
    return [_numbers(_chosen(_keys(values[:, column]), prefix, shift)) for column, prefix, shift in groups]


def _chosen(keys: Array, prefix: int, shift: int) -> Array:
    if shift == 64:  # noqa: PLR2004 (bits of a number)
        return keys
    chosen: Array = keys[(keys >> np.uint64(shift)) == np.uint64(prefix)]
    return chosen


def _keys(column: Array) -> Array:
    """Known numbers as whole ones that lie in the same order; -0 counts as 0."""
    known = column[~np.isnan(column)].astype(np.float64) + 0.0
    bits = known.view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _numbers(keys: Array) -> Array:
    found: Array = np.where(keys & _SIGN, keys & ~_SIGN, ~keys).view(np.float64)
    return found
