"""Finds the row at a place in an order over all buckets, exactly, without bringing them together.

Each bucket tells keys at even distances in its own order; between two of them the place lies, and is looked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Key = tuple[int, ...]
"""What orders a row: whole numbers, the first decides. No two rows have the same."""
Columns = tuple[np.ndarray[Any, np.dtype[np.uint64]], ...]
"""Keys of rows, a column for each number."""
FEWEST = 8
"""A bucket tells at least so many keys at a time: with them a range has at most about half of the keys next time."""


@dataclass(frozen=True)
class Range:
    """Keys of one group of rows, above `low` and up to `high`; open where None."""

    group: int
    low: Key | None = None
    high: Key | None = None


@dataclass(frozen=True)
class Told:
    """What a bucket tells of a range: how many keys lie below it, and some of those within, in order."""

    below: int
    keys: Columns
    upto: np.ndarray[Any, np.dtype[np.int64]]
    """How many keys of the range come up to each of them; the last one is the last of the range."""


def find(wanted: Sequence[tuple[int, int]], ask: Callable[[Sequence[Range]], Iterable[Sequence[Told]]]) -> list[Key]:
    """For each group and place in it, counted from 0, the key that has the place.

    `ask` gives for each bucket what it tells of some ranges, in their order. A group has more keys than the place says.
    """
    ranges: list[Range] = [Range(group) for group, _ in wanted]
    found: dict[int, Key] = {}
    while len(found) < len(wanted):
        open_ones = [number for number in range(len(wanted)) if number not in found]
        answers = [[] for _ in open_ones]  # type: list[list[Told]]
        for told in ask([ranges[number] for number in open_ones]):
            for one, answer in zip(told, answers, strict=True):
                answer.append(one)
        for number, answer in zip(open_ones, answers, strict=True):
            narrowed = _narrow(ranges[number], wanted[number][1], answer)
            if isinstance(narrowed, Range):
                ranges[number] = narrowed
            else:
                found[number] = narrowed
    return [found[number] for number in range(len(wanted))]


def tell(columns: Columns, low: Key | None, high: Key | None, most: int) -> Told:
    """What a bucket with keys of these `columns` tells of a range: `most` keys at most, FEWEST or more."""
    inside = np.ones(len(columns[0]), dtype=np.bool_)
    below = 0
    if low is not None:
        inside = ~upto(columns, low)
        below = len(inside) - int(inside.sum())
    if high is not None:
        inside &= upto(columns, high)
    some = tuple(column[inside] for column in columns)
    order = np.lexsort(some[::-1])
    count = len(order)
    ends = np.arange(1, count + 1) if count <= most else np.arange(1, most + 1) * count // most
    chosen = order[ends - 1]
    return Told(below, tuple(column[chosen] for column in some), ends.astype(np.int64))


def before(columns: Columns, key: Key) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows have a smaller key."""
    made = np.zeros(len(columns[0]), dtype=np.bool_)
    equal = np.ones(len(made), dtype=np.bool_)
    for column, value in zip(columns, key, strict=True):
        made |= equal & (column < np.uint64(value))
        equal &= column == np.uint64(value)
    return made


def upto(columns: Columns, key: Key) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows have this key or a smaller one."""
    made = before(columns, key)
    equal = np.ones(len(made), dtype=np.bool_)
    for column, value in zip(columns, key, strict=True):
        equal &= column == np.uint64(value)
    return made | equal


def _narrow(asked: Range, place: int, told: Sequence[Told]) -> Range | Key:
    """The key at the place, or a smaller range that it lies in."""
    left = place - sum(one.below for one in told)
    some = [one for one in told if len(one.upto)]
    columns = tuple(np.concatenate(parts) for parts in zip(*(one.keys for one in some), strict=True))
    order = np.lexsort(columns[::-1])
    # At a key at least `least` keys have come, and at most `most`: a bucket's next key that it tells has not.
    steps = np.concatenate([np.diff(one.upto, prepend=0) for one in some])
    further = np.concatenate([np.diff(one.upto - 1, append=one.upto[-1]) for one in some])
    least = np.cumsum(steps[order])
    most = np.cumsum(further[order]) + sum(int(one.upto[0]) - 1 for one in some)
    last = int(np.searchsorted(least, left + 1))
    first = int(np.searchsorted(most, left, side="right")) - 1
    key = tuple(int(column[order[last]]) for column in columns)
    if least[last] == most[last] == left + 1:
        return key
    low = asked.low if first < 0 else tuple(int(column[order[first]]) for column in columns)
    return Range(asked.group, low, key)
