"""Buckets on disk, worked on one by one wherever the executor runs: nobody holds more than one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.data.splitting import bucket as rules
from aifactory_runtime.data.splitting.bucket import Begun, Bucket
from aifactory_runtime.data.splitting.exchange import Array, Exchange, load, save
from aifactory_runtime.data.splitting.rows import Read
from aifactory_runtime.data.splitting.sides import Sides

R = TypeVar("R")
_PLACE = "place"
_ID = "id:"
_OWN = ("places", "decides", "held", "frozen")


@dataclass(frozen=True)
class Rows:
    """The rows of a table that were given away: into so many buckets, by so many partitions."""

    exchange: Exchange
    partitions: int

    def read(self, number: int, ids: Sequence[str]) -> tuple[Read, Array]:
        """The rows of a bucket in the order of the table, and the number that each has there; `ids` of the ids."""
        found = [_numbered(self, part, rows) for part, rows in enumerate(self.exchange.take(self.partitions, number))]
        rows = np.concatenate(found)
        columns: dict[str, Any] = {
            one.name: np.ascontiguousarray(rows[one.name]) if one.name in (rows.dtype.names or ()) else None
            for one in fields(Read)
            if one.name != "ids"
        }
        return Read(**columns, ids={name: np.ascontiguousarray(rows[_ID + name]) for name in ids}), rows[_PLACE].copy()


def give(rows: Rows, partition: int, read: Read, first: int, ids: Sequence[str]) -> None:
    """Give the rows of a partition to the buckets; `first` is the number of its first row in the table.

    `ids` are all that any partition may have; those that this one has not are 0 in its rows.
    """
    columns: dict[str, Any] = {one.name: getattr(read, one.name) for one in fields(Read) if one.name != "ids"}
    columns = {name: values for name, values in columns.items() if values is not None}
    columns |= {_ID + name: read.ids.get(name, np.zeros(0, np.uint64)) for name in ids}
    columns[_PLACE] = np.arange(first, first + len(read.whole))
    made = np.zeros(len(read.whole), dtype=[(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        if len(values):
            made[name] = values
    rows.exchange.give(partition, made, bucket_of(read.inputs, rows.exchange.groups))


def number_classes(rows: Rows, partition: int, numbers: Array) -> None:
    """Say which number each class of a partition, in the order of its own numbers, has in the whole table."""
    save(_classes(rows, partition), numbers.astype(np.int32))


def bucket_of(inputs: Hashes, buckets: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The bucket of each row: all rows of equal inputs have one."""
    return ((inputs >> np.uint64(32)) * np.uint64(buckets) >> np.uint64(32)).astype(np.int64)


def _numbered(rows: Rows, partition: int, found: Array) -> Array:
    """The rows of a partition with the numbers that their classes have in the whole table."""
    names = found.dtype.names or ()
    if "labels" not in names or not _classes(rows, partition).exists():
        return found
    made = found.copy()
    made["labels"] = load(_classes(rows, partition))[found["labels"]]
    return made


def _classes(rows: Rows, partition: int) -> Path:
    return rows.exchange.folder / f"{rows.exchange.name}-classes-{partition:06d}.npy"


@dataclass(frozen=True)
class _Begin:
    """What every bucket is made from."""

    folder: Path
    rows: Rows
    settings: DataSettings
    ids: tuple[str, ...]
    reference: Rows | None


class StoredBuckets:
    """Buckets in a folder. Each change of the sides makes a new file, so that one that is done again makes the same."""

    def __init__(self, folder: Path, count: int, executor: Executor) -> None:
        self._folder, self._executor = folder, executor
        self._states = [0] * count
        self._given: set[str] = set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._states)

    def begin(self, rows: Rows, settings: DataSettings, ids: Sequence[str], reference: Rows | None) -> Iterator[Begun]:
        """Make the buckets of the rows of a table, and of those of the frozen reference; what each tells."""
        task = partial(_begin, _Begin(self._folder, rows, settings, tuple(ids), reference))
        return self._executor.in_order(task, range(self.count), what="bucket")

    def each(self, rule: Callable[[Bucket], R]) -> Iterator[R]:
        """See `Buckets`."""
        return self._executor.in_order(partial(_apply, self._folder, rule), enumerate(self._states), what="bucket")

    def change(self, rule: Callable[[Bucket], R], number: int) -> R:
        """See `Buckets`."""
        (found,) = self._changed(rule, [number])
        return found

    def change_each(self, rule: Callable[[Bucket], R]) -> list[R]:
        """See `Buckets`."""
        return self._changed(rule, range(self.count))

    def by_id(self, name: str, rule: Callable[[Hashes, Sides], R]) -> Iterator[R]:
        """See `Buckets`; the rows are given away once more, by the hash of the column."""
        exchange = Exchange(self._folder, f"id-{len(self._given)}", self.count)
        self._given.add(name)
        for _ in self.each(partial(_give_id, exchange, name)):
            pass
        return self._executor.in_order(partial(_take_id, exchange, rule), range(self.count), what="bucket")

    def give_back(self, exchange: Exchange, firsts: Array, newest: float | None) -> None:
        """Give each partition, whose first rows are `firsts`, the sides of its rows, and which of them are newest."""
        for _ in self.each(partial(_give_back, exchange, firsts, newest)):
            pass

    def _changed(self, rule: Callable[[Bucket], R], numbers: Sequence[int]) -> list[R]:
        before = [(number, self._states[number]) for number in numbers]
        found = list(self._executor.in_order(partial(_change, self._folder, rule), before, what="bucket"))
        for number in numbers:
            _sides(self._folder, number, self._states[number]).unlink(missing_ok=True)
            self._states[number] += 1
        return found


def _begin(task: _Begin, number: int) -> Begun:
    folder, rows, settings, ids, reference = task.folder, task.rows, task.settings, task.ids, task.reference
    read, places = rows.read(number, ids)
    frozen = None if reference is None else reference.read(number, ())[0]
    made = rules.begin(number, read, places, settings, frozen)
    for one in fields(Read):
        if one.name != "ids" and (values := getattr(made.rows, one.name)) is not None:
            save(_column(folder, number, one.name), values)
    for place, name in enumerate(ids):
        save(_column(folder, number, f"{_ID}{place}"), made.rows.ids[name])
    for name in _OWN:
        save(_column(folder, number, name), getattr(made, name))
    save(_sides(folder, number, 0), made.sides)
    save(_column(folder, number, "spread"), np.array(made.spread))
    (_column(folder, number, "ids")).write_text("\n".join(ids), encoding="utf-8")
    return rules.begun(made)


def _bucket(folder: Path, number: int, state: int) -> Bucket:
    ids = _column(folder, number, "ids").read_text(encoding="utf-8").split("\n")
    columns = {one.name: _there(_column(folder, number, one.name)) for one in fields(Read) if one.name != "ids"}
    hashed = {name: load(_column(folder, number, f"{_ID}{place}")) for place, name in enumerate(ids) if name}
    own: dict[str, Any] = {name: load(_column(folder, number, name)) for name in _OWN}
    return Bucket(
        number,
        Read(**columns, ids=hashed),  # type: ignore[arg-type]
        **own,
        spread=bool(load(_column(folder, number, "spread"))),
        sides=np.array(load(_sides(folder, number, state))),
    )


def _there(path: Path) -> Array | None:
    return load(path) if path.exists() else None


def _column(folder: Path, number: int, name: str) -> Path:
    return folder / f"bucket-{number:06d}" / f"{name.replace(':', '-')}.npy"


def _sides(folder: Path, number: int, state: int) -> Path:
    return _column(folder, number, f"sides-{state:06d}")


def _apply(folder: Path, rule: Callable[[Bucket], R], task: tuple[int, int]) -> R:
    return rule(_bucket(folder, *task))


def _change(folder: Path, rule: Callable[[Bucket], R], task: tuple[int, int]) -> R:
    number, state = task
    bucket = _bucket(folder, number, state)
    found = rule(bucket)
    save(_sides(folder, number, state + 1), bucket.sides)
    return found


def _give_id(exchange: Exchange, name: str, bucket: Bucket) -> None:
    made = np.zeros(len(bucket.sides), dtype=[("hashed", np.uint64), ("side", np.int8)])
    made["hashed"], made["side"] = bucket.rows.ids[name], bucket.sides
    exchange.give(bucket.number, made, bucket_of(bucket.rows.ids[name], exchange.groups))


def _take_id(exchange: Exchange, rule: Callable[[Hashes, Sides], R], group: int) -> R:
    found = np.concatenate(list(exchange.take(exchange.groups, group)))
    return rule(np.ascontiguousarray(found["hashed"]), np.ascontiguousarray(found["side"]))


def _give_back(exchange: Exchange, firsts: Array, newest: float | None, bucket: Bucket) -> None:
    made = np.zeros(len(bucket.sides), dtype=[(_PLACE, np.int64), ("side", np.int8), ("since", np.bool_)])
    made[_PLACE], made["side"], made["since"] = bucket.places, bucket.sides, rules.since(bucket, newest)
    exchange.give(bucket.number, made, np.searchsorted(firsts, bucket.places, side="right") - 1)
