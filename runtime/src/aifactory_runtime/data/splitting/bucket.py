"""What the split decides within a bucket: rows without copies, of which all that have equal inputs are in one bucket.

Functions change nothing but `sides`, so that one that is run again on the same rows says and makes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import copies, twins
from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.data.splitting import cuts
from aifactory_runtime.data.splitting.cuts import Columns, Key
from aifactory_runtime.data.splitting.rows import Places, Read
from aifactory_runtime.data.splitting.sides import (
    SPARE_NUMBER,
    TEST_NUMBER,
    TRAIN_NUMBER,
    VALIDATION_NUMBER,
    Mask,
    Sides,
)

_BITS = 53
_REST = np.uint64(64 - _BITS)
_SIGN = np.uint64(1 << 63)
_MIXED = np.uint64(0x9E3779B97F4A7C15)
OLDER, NEWER = 0, 1
"""Groups of rows that are ranked by themselves: with times what came after the rows of the reference is the second."""


@dataclass
class Bucket:
    """Rows of a bucket in the order of the table; some 60 bytes a row, and three times that while it is decided."""

    number: int
    rows: Read
    places: np.ndarray[Any, np.dtype[np.int64]]
    """Number of each row in the table."""
    decides: Hashes
    """What chooses the side, without times; and between rows of one moment."""
    spread: bool
    held: Mask
    """The rows that stand for those of the frozen reference."""
    frozen: Mask
    """Those that are test whatever else is decided."""
    sides: Sides

    @property
    def like(self) -> Hashes:
        """Equal for rows that change sides together."""
        return self.decides if self.rows.times is None or self.spread else self.rows.whole

    def classes(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Class of each row by number; one for all of a regression."""
        labels = self.rows.labels
        return np.zeros(len(self.sides), dtype=np.int32) if labels is None else labels


@dataclass(frozen=True)
class Begun:
    """What a bucket tells of its rows: how many, how many classes, newest moment of those that the reference holds."""

    rows: int
    classes: int
    newest: float | None


def begin(
    number: int,
    read: Read,
    places: np.ndarray[Any, np.dtype[np.int64]],
    settings: DataSettings,
    reference: Read | None,
) -> Bucket:
    """The bucket of these rows, copies left out; with their sides where hashes decide alone.

    `reference` holds the rows of the frozen reference that would be in this bucket.
    """
    kept = ~copies.copied(read.whole, read.key)
    rows = read.only(kept)
    spread = settings.equal_rows == "spread" and settings.group is None
    decides = _spread(rows) if spread else rows.inputs
    frozen = held = np.zeros(len(rows.whole), dtype=np.bool_)
    if reference is not None:
        held = twins.held(rows.whole, rows.inputs, _order(decides, rows, spread), (reference.whole, reference.inputs))
        frozen = held if spread or rows.times is not None else np.isin(rows.inputs, reference.inputs)
    sides = np.full(len(rows.whole), TRAIN_NUMBER, dtype=np.int8)
    if rows.times is None:
        shares, test = _shares(decides), settings.test_share
        sides[shares < test + settings.validation_share] = VALIDATION_NUMBER
        sides[shares < test] = TEST_NUMBER
    sides[frozen] = TEST_NUMBER
    return Bucket(number, rows, places if kept.all() else places[kept], decides, spread, held, frozen, sides)


def begun(bucket: Bucket) -> Begun:
    """What `bucket` tells once it is there."""
    labels, times = bucket.rows.labels, bucket.rows.times
    classes = 1 if labels is None else int(labels.max(initial=-1)) + 1
    newest = None if times is None or not bucket.held.any() else float(times[bucket.held].max())
    return Begun(len(bucket.sides), classes, newest)


def counts(bucket: Bucket, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows by class and side, of shape (classes, 4)."""
    return _counted(bucket.classes(), bucket.sides, classes)


def _counted(classes: Any, sides: Any, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    found = np.bincount(classes.astype(np.int64) * 4 + sides, minlength=4 * count)
    return found.astype(np.int64).reshape(count, 4)


# With times


def newer(bucket: Bucket, newest: float | None) -> Mask:
    """The rows that came after `newest`; none where there is no such moment."""
    if newest is None or bucket.rows.times is None:
        return np.zeros(len(bucket.sides), dtype=np.bool_)
    made: Mask = bucket.rows.times > newest
    return made


def groups(bucket: Bucket, newest: float | None) -> tuple[int, int]:
    """How many rows are not newer than `newest`, and how many are."""
    count = int(newer(bucket, newest).sum())
    return len(bucket.sides) - count, count


def told(bucket: Bucket, ranges: Sequence[cuts.Range], newest: float | None, most: int) -> list[cuts.Told]:
    """What the bucket tells of ranges of its rows, the newest first."""
    late = newer(bucket, newest)
    keys = {group: _keys(bucket, late == bool(group)) for group in {one.group for one in ranges}}
    made: dict[cuts.Range, cuts.Told] = {}
    for one in ranges:
        if one not in made:
            made[one] = cuts.tell(keys[one.group], one.low, one.high, most)
    return [made[one] for one in ranges]


def cut(bucket: Bucket, newest: float | None, ends: Sequence[tuple[Key | None, Key | None]]) -> None:
    """Give each row its side by time; `ends` are, by group, the last row of test, and of test and validation."""
    late = newer(bucket, newest)
    for group, (test, validation) in enumerate(ends):
        own = np.flatnonzero(late == bool(group))
        keys = _keys(bucket, own)
        for side, last in ((VALIDATION_NUMBER, validation), (TEST_NUMBER, test)):
            if last is not None:
                bucket.sides[own[cuts.upto(keys, last)]] = side
    bucket.sides[bucket.frozen] = TEST_NUMBER


def earlier(bucket: Bucket, newest: float | None, asked: Sequence[tuple[int, Key]]) -> list[int]:
    """How many rows of a group come before a key, for each of some groups and keys."""
    late = newer(bucket, newest)
    return [int(cuts.before(_keys(bucket, late == bool(group)), key).sum()) for group, key in asked]


# Rows that move


@dataclass(frozen=True)
class Row:
    """A row that may move, by what orders it; the last number of its key is its place in the table."""

    key: Key
    like: int
    bucket: int


@dataclass(frozen=True)
class Ends:
    """Of some rows: two at most of their different `like`, and the first and the last that may move, by group."""

    like: frozenset[int]
    first: tuple[Row | None, Row | None] = (None, None)
    last: tuple[Row | None, Row | None] = (None, None)


def ends(bucket: Bucket, labels: Sequence[int] | None, side: int | None, newest: float | None) -> dict[int, Ends]:
    """The ends of the rows of some classes; of all rows, as class 0, for None. Only those on a `side`, unless None."""
    classes = bucket.classes() if labels is not None else np.zeros(len(bucket.sides), dtype=np.int32)
    chosen = np.ones(len(classes), dtype=np.bool_) if labels is None else np.isin(classes, labels)
    if side is not None:
        chosen &= bucket.sides == side
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(classes[rows], kind="stable")]
    found, starts = np.unique(classes[rows], return_index=True)
    parts = np.split(rows, starts[1:]) if len(rows) else []
    return {
        int(label): _ends(bucket, part, newest) for label, part in zip(found.tolist(), parts, strict=True) if len(part)
    }


def spared(bucket: Bucket, trained: np.ndarray[Any, np.dtype[np.int64]], few: int, newest: float | None) -> Ends:
    """The ends of training rows that may go, with all rows like them: each class keeps `few` of its `trained` rows."""
    rows = np.flatnonzero(bucket.sides == TRAIN_NUMBER)
    classes = bucket.classes()[rows]
    group = np.unique(bucket.like[rows], return_inverse=True)[1]
    _, pair, size = np.unique(group * (classes.max(initial=0) + 1) + classes, return_inverse=True, return_counts=True)
    needed = trained[classes] - size[pair] < few
    return _ends(bucket, rows[~np.isin(group, group[needed])], newest)


def move(bucket: Bucket, like: int, side: int, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Move the rows that are like this, but those of the reference; by how many each class has more on each side."""
    moved = np.flatnonzero((bucket.like == np.uint64(like)) & ~bucket.frozen)
    labels, before = bucket.classes()[moved], bucket.sides[moved]
    bucket.sides[moved] = side
    return _counted(labels, bucket.sides[moved], classes) - _counted(labels, before, classes)


def _ends(bucket: Bucket, rows: Any, newest: float | None) -> Ends:
    like = bucket.like[rows]
    different = {int(like.min()), int(like.max())} if len(rows) else set()
    free = rows[~bucket.frozen[rows]]
    late = newer(bucket, newest)[free]
    found: list[tuple[Row | None, Row | None]] = []
    for group in (OLDER, NEWER):
        own = free[late == bool(group)]
        found.append(_first_and_last(bucket, own) if len(own) else (None, None))
    (first, last), (first_newer, last_newer) = found
    return Ends(frozenset(different), (first, first_newer), (last, last_newer))


def _first_and_last(bucket: Bucket, rows: Any) -> tuple[Row, Row]:
    """In the order that decides; of equal ones without times the first in the table."""
    keys = _keys(bucket, rows)
    if bucket.rows.times is None:
        places = int(keys[0].argmin()), int(keys[0].argmax())
    else:
        order = np.lexsort(keys[::-1])
        places = int(order[0]), int(order[-1])
    first, last = (
        Row(tuple(int(column[place]) for column in keys), int(bucket.like[rows[place]]), bucket.number)
        for place in places
    )
    return first, last


# Rows beyond `data.max_train_rows`


def spare_told(bucket: Bucket, ranges: Sequence[cuts.Range], alone: bool, most: int) -> list[cuts.Told]:
    """What the bucket tells of ranges of its training rows, in the order in which they are taken."""
    keys = _spare_keys(bucket, np.flatnonzero(bucket.sides == TRAIN_NUMBER), alone)
    return [cuts.tell(keys, one.low, one.high, most) for one in ranges]


def spare(bucket: Bucket, last: Key, alone: bool) -> int:
    """Take the training rows behind `last` out of training; how many."""
    trained = np.flatnonzero(bucket.sides == TRAIN_NUMBER)
    behind = trained[~cuts.upto(_spare_keys(bucket, trained, alone), last)]
    bucket.sides[behind] = SPARE_NUMBER
    return len(behind)


def _spare_keys(bucket: Bucket, trained: Any, alone: bool) -> Columns:
    """Other bits of the hash than the sides are chosen by. With `alone` each row is taken for itself."""
    whole, own = bucket.rows.whole[trained], bucket.decides[trained]
    if alone:
        own = twins.apart(own, own, whole)  # some rows of each combination of inputs, not all of some
    return own * _MIXED, whole, bucket.places[trained].astype(np.uint64)


# What is told of the sides


def known(bucket: Bucket) -> int:
    """How many test rows have their inputs in training too."""
    return _known(bucket.rows.inputs, bucket.sides)


@dataclass(frozen=True)
class Known:
    """Of the values of a column: how many there are, rows of the most frequent one, test rows with one of training."""

    values: int
    most: int
    rows: int


def known_ids(hashed: Hashes, sides: Sides) -> Known:
    """What is told of a column by its hashes: all rows of a value are among them."""
    rows_each = np.unique(hashed, return_counts=True)[1]
    return Known(len(rows_each), int(rows_each.max(initial=0)), _known(hashed, sides))


def since(bucket: Bucket, newest: float | None) -> Mask:
    """The test rows that are not of the frozen reference and, with times, newer than it."""
    late = ~bucket.held if bucket.rows.times is None else newer(bucket, newest)
    made: Mask = (bucket.sides == TEST_NUMBER) & late
    return made


def _known(hashed: Hashes, sides: Sides) -> int:
    return int(np.isin(hashed[sides == TEST_NUMBER], hashed[sides == TRAIN_NUMBER]).sum())


# What decides


def _spread(rows: Read) -> Hashes:
    """What chooses for each row by itself: its inputs, and how many rows of the same inputs and target come before.

    So one more row moves none of the others. The targets of a regression hardly repeat: they take part in the choice.
    """
    both = rows.twins
    return twins.apart(both if rows.labels is None else rows.inputs, both, rows.whole)


def _shares(decides: Hashes) -> Places:
    """A number from 0 up to 1 for each row: the smallest are test, then validation, then training."""
    return (decides >> _REST).astype(np.float64) / 2.0**_BITS


def _order(decides: Hashes, rows: Read, spread: bool) -> Places:
    """Which of equal rows stand for those of the reference: with times the newest, else those that are test first."""
    if rows.times is not None:
        made = np.empty(len(decides))
        made[np.lexsort((rows.whole, decides >> _REST, -rows.times))] = np.arange(len(decides))
        return made
    return _shares(decides) if spread else np.arange(len(decides), dtype=np.float64)


def _keys(bucket: Bucket, rows: Any) -> Columns:
    """What orders some rows: with times the newest first; no two have the same."""
    place = bucket.places[rows].astype(np.uint64)
    decides = bucket.decides[rows] >> _REST
    if bucket.rows.times is None:
        return decides, place
    bits = (0.0 - bucket.rows.times[rows]).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN), decides, bucket.rows.whole[rows], place
