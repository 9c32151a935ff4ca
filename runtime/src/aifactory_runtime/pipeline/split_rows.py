"""The split of a table by partition: rows to buckets, which decide, and sides back to partitions."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import split
from aifactory_runtime.data.partitions import Partition
from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.data.splitting import decide, stored
from aifactory_runtime.data.splitting.bucket import Begun
from aifactory_runtime.data.splitting.exchange import Exchange, load, save
from aifactory_runtime.data.splitting.sides import DROPPED, NAMES
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.table_rows import TableRows

BUCKET_ROWS = 1 << 21
"""Rows of a bucket, unless more have equal inputs: some 400 MB while it is decided."""
_MANY = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class About:
    """What the columns of a table are for; `key` are those that tell copies from other rows."""

    roles: split.Roles
    group: str | None
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """The rows of a table that were given to buckets, and what was found out about its columns."""

    table: TableRows
    rows: stored.Rows
    partitions: Sequence[Partition]
    counts: tuple[int, ...]
    """Rows of each partition as they were given: schema.py may leave out some of those that are stored."""
    about: About
    ids: tuple[str, ...]

    @property
    def timed(self) -> bool:
        """Whether a column orders the rows in time."""
        return self.about.roles.time is not None

    def before(self, partition: Partition) -> int:
        """How many rows the partitions before this one gave."""
        return sum(self.counts[: partition.number])

    def of(self, partition: Partition) -> OwnRows:
        """What was given of the rows of a partition, in the order of the table."""
        found = self.rows.exchange.given(partition.number)
        order = np.argsort(found["place"], kind="stable")
        return OwnRows(found["whole"][order], found["times"][order] if self.timed else None)


@dataclass(frozen=True)
class OwnRows:
    """Of the rows of one partition their hashes and, where the table has any, their moments; both of shape (rows,)."""

    whole: Hashes
    times: split.Places | None


@dataclass(frozen=True)
class Sided:
    """A table whose rows have their sides."""

    folder: Path
    given: Given
    exchange: Exchange
    buckets: int
    report: Mapping[str, Any]

    def of(self, partition: Partition) -> tuple[split.Sides, split.Mask]:
        """The side of each row of a partition, -1 for a copy; and which are test rows newer than the reference."""
        rows = self.given.counts[partition.number]
        sides, since = np.full(rows, DROPPED, dtype=np.int8), np.zeros(rows, dtype=np.bool_)
        for found in self.exchange.take(self.buckets, partition.number):
            places = found["place"] - partition.first
            sides[places], since[places] = found["side"], found["since"]
        return sides, since

    def keep(self, partition: Partition, sides: split.Sides) -> None:
        """Note the sides of a partition as they are at last, and the hashes of its rows by side."""
        save(self._last(partition), sides)
        there = sides >= 0
        self._hashes.give(partition.number, self.given.of(partition).whole[there], sides[there])

    def last(self, partition: Partition) -> split.Sides:
        """The sides of a partition as they were kept."""
        return load(self._last(partition))

    def hashes(self, side: str) -> Iterator[Hashes]:
        """Hashes of the rows on a side, in the order of the table."""
        return self._hashes.take(len(self.given.partitions), NAMES.index(side))

    @property
    def _hashes(self) -> Exchange:
        return Exchange(self.folder, "hashes", len(NAMES))

    def _last(self, partition: Partition) -> Path:
        return self.folder / f"last-{partition.number:06d}.npy"


def roles(context: Context) -> split.Roles:
    """What the columns of the raw table are for."""
    science = context.project.science
    regression = context.project.manifest.problem == "regression"
    return split.Roles(science.target(), science.ignored(), science.time(), regression)


def buckets_for(rows: int) -> int:
    """How many buckets a table of so many rows is given to."""
    return max(1, -(-rows // BUCKET_ROWS))


def give(executor: Executor, exchange: Exchange, table: TableRows, about: About) -> Given:
    """Give the rows of a table to the buckets of `exchange`.

    This process holds the names of the classes, and of each partition what is said about it.
    """
    found = table.partitions()
    rows = stored.Rows(exchange, len(found))
    codes: dict[Any, int] = {}
    ids, counts = list(about.roles.ignored), []
    told = executor.in_order(partial(_give, rows, table, about), found, what="partition")
    for number, (classes, own, count) in enumerate(told):
        counts.append(count)
        if not about.roles.regression:
            numbers = [codes.setdefault(value, len(codes)) for value in classes]
            stored.number_classes(rows, number, np.array(numbers, dtype=np.int32))
        ids = [name for name in ids if name in own]
    return Given(table, rows, found, tuple(counts), about, tuple(ids))


def decide_sides(executor: Executor, given: Given, settings: DataSettings, reference: Given | None) -> Sided:
    """Give each row its side; the rows of the frozen `reference` are test. See `split.assign` for the rules.

    This process holds what the buckets tell of rows at the borders of the sides, never of all rows.
    """
    folder = given.rows.exchange.folder
    buckets = stored.StoredBuckets(folder, given.rows.exchange.groups, executor)
    known = None if reference is None else reference.rows
    begun = _said(buckets.begin(given.rows, settings, given.ids, known))
    table = decide.Table(given.timed, not given.about.roles.regression, given.ids)
    decided = decide.decide(buckets, begun, settings, table)
    firsts = np.array([one.first for one in given.partitions])
    exchange = Exchange(folder, "sides", len(firsts))
    buckets.give_back(exchange, firsts, decided.newest)
    return Sided(folder, given, exchange, buckets.count, decided.report)


def _give(
    rows: stored.Rows, table: TableRows, about: About, partition: Partition
) -> tuple[list[Any], frozenset[str], int]:
    """Give the rows of a partition; its classes in the order of their numbers, columns that may be ids, how many."""
    codes: dict[Any, int] = {}
    read = split.scan(table.frames(partition), about.roles, about.group, about.key, codes)
    stored.give(rows, partition.number, read, partition.first, about.roles.ignored)
    return list(codes), frozenset(read.ids), len(read.whole)


def _said(begun: Iterable[Begun]) -> Iterator[Begun]:
    """Say of a bucket that is far larger than others why it is."""
    for one in begun:
        if one.rows > _MANY * BUCKET_ROWS:
            _log.warning(
                "note: %s rows have inputs that equal those of many others, and are split in one process: it holds "
                "about %.1f GiB",
                one.rows, one.rows * 200 / 2**30,
            )  # fmt: skip
        yield one
