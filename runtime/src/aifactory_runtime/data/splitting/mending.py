"""Moves rows where a side would lack a class or be empty: those nearest to the border, with all rows like them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from aifactory_runtime.data.splitting import bucket as rules
from aifactory_runtime.data.splitting.bucket import NEWER, OLDER, Ends, Row
from aifactory_runtime.data.splitting.buckets import Buckets
from aifactory_runtime.data.splitting.sides import TEST_NUMBER, TRAIN_NUMBER, VALIDATION_NUMBER

_FEW = 2
_ALL = 0
"""The class of `Ends` over all rows."""


class Mend:
    """Rows that move one after the other; `counts` has the rows by class and side, shape (classes, 4), as they are.

    Holds two rows for each class that a side lacks. A move looks at one bucket, a class that lacks a side at all once.
    """

    def __init__(self, buckets: Buckets, counts: np.ndarray[Any, np.dtype[np.int64]], *, timed: bool) -> None:
        self.counts = counts
        self._buckets = buckets
        self._timed = timed
        self._newest: float | None = None
        self._sizes = (int(counts.sum()), 0)
        self._known: dict[int, Ends] = {}

    def ranked_from(self, newest: float | None, sizes: tuple[int, int]) -> None:
        """With times: what came after `newest` is ranked by itself; so many rows are in each of the two groups."""
        self._newest, self._sizes = newest, sizes

    def learned_and_tested(self) -> None:
        """Let training and test have a row."""
        for side, newest in ((TEST_NUMBER, True), (TRAIN_NUMBER, False)):
            if not self.counts[:, side].any():
                self._move(self._ends(None)[_ALL], side, newest=newest)

    def both_sides(self) -> None:
        """Let the rows of each class be in training and in test; a single row, or rows all alike, in training."""
        for label in np.flatnonzero(self.counts.sum(axis=1)).tolist():
            if self._lacks(label):
                self._mend(label)

    def validated(self) -> None:
        """Let validation have a row, of a class that has more in training."""
        if self.counts[:, VALIDATION_NUMBER].any():
            return
        trained = self.counts[:, TRAIN_NUMBER].copy()
        found = self._buckets.each(partial(rules.spared, trained=trained, few=_FEW, newest=self._newest))
        self._move(self._merged(found), VALIDATION_NUMBER, newest=True)

    def _lacks(self, label: int) -> bool:
        return not (self.counts[label, TRAIN_NUMBER] and self.counts[label, TEST_NUMBER])

    def _mend(self, label: int) -> None:
        if label not in self._known:
            lacking = [one for one in range(len(self.counts)) if self.counts[one].any() and self._lacks(one)]
            self._known |= self._ends([one for one in lacking if one not in self._known])
        every = self._known[label]
        if len(every.like) < 2:  # noqa: PLR2004 - one row cannot be on two sides
            self._move(every, TRAIN_NUMBER, newest=False)
            return
        if not self.counts[label, TEST_NUMBER]:
            self._move(every, TEST_NUMBER, newest=True)
        if not self.counts[label, TRAIN_NUMBER]:
            some = self._ends([label], VALIDATION_NUMBER).get(label) if self.counts[label, VALIDATION_NUMBER] else None
            self._move(some or every, TRAIN_NUMBER, newest=False)

    def _ends(self, labels: Sequence[int] | None, side: int | None = None) -> dict[int, Ends]:
        parts: dict[int, list[Ends]] = {}
        for found in self._buckets.each(partial(rules.ends, labels=labels, side=side, newest=self._newest)):
            for label, one in found.items():
                parts.setdefault(label, []).append(one)
                parts[label] = [self._merged(parts[label])]
        return {label: found[0] for label, found in parts.items()}

    def _merged(self, parts: Iterable[Ends]) -> Ends:
        """The ends of all; of their different `like` two at most."""
        like: set[int] = set()
        first: list[list[Row]] = [[], []]
        last: list[list[Row]] = [[], []]
        for one in parts:
            like = set(sorted(like | one.like)[:2])
            for group in (OLDER, NEWER):
                first[group] = self._best([*first[group], one.first[group]], newest=True)
                last[group] = self._best([*last[group], one.last[group]], newest=False)
        return Ends(
            frozenset(like),
            (next(iter(first[0]), None), next(iter(first[1]), None)),
            (next(iter(last[0]), None), next(iter(last[1]), None)),
        )

    def _best(self, rows: Iterable[Row | None], *, newest: bool) -> list[Row]:
        """The first, or the last, in the order that decides; of equal ones without times the first in the table."""
        there = [row for row in rows if row is not None]
        if not there:
            return []
        if newest:
            return [min(there, key=lambda row: row.key)]
        return [max(there, key=lambda row: row.key if self._timed else (row.key[0], -row.key[1]))]

    def _move(self, found: Ends, side: int, *, newest: bool) -> None:
        """Move the row that is first, or last, in the order that decides; a frozen row stays in test."""
        both = found.first if newest else found.last
        rows = [(group, row) for group, row in enumerate(both) if row is not None]
        if not rows:
            return
        chosen = rows[0][1] if len(rows) == 1 else self._nearest(rows, newest=newest)
        rule = partial(rules.move, like=chosen.like, side=side, classes=len(self.counts))
        self.counts += self._buckets.change(rule, chosen.bucket)

    def _nearest(self, rows: Sequence[tuple[int, Row]], *, newest: bool) -> Row:
        """Of a row of each group the one of the lower rank, or of the higher, each within its group."""
        asked = [(group, row.key) for group, row in rows]
        before = [0] * len(rows)
        for found in self._buckets.each(partial(rules.earlier, newest=self._newest, asked=asked)):
            before = [one + more for one, more in zip(before, found, strict=True)]
        ranked = [
            (rank(place, self._sizes[group]), row.key[-1], row)
            for place, (group, row) in zip(before, rows, strict=True)
        ]
        if newest:
            return min(ranked, key=lambda one: one[:2])[2]
        return max(ranked, key=lambda one: (one[0], -one[1]))[2]


def rank(place: int, rows: int) -> float:
    """A number from 0 up to 1 for a place among so many rows."""
    return (place + 0.5) / max(rows, 1)


def below(share: float, rows: int) -> int:
    """How many of so many rows have a rank below `share`."""
    found = max(0, min(rows, int(share * rows)) - 2)
    while found < rows and rank(found, rows) < share:
        found += 1
    return found
