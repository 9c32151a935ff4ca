"""What each partition does once its rows have their sides: outliers taken out, hashes, the newest rows, its frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.data import outliers, partitions, split, tables
from aifactory_runtime.data.counted import Numbers
from aifactory_runtime.data.outliers import Limits
from aifactory_runtime.data.partitions import Partition
from aifactory_runtime.data.splitting.sides import NAMES, SPARE_NUMBER, TEST_NUMBER, TRAIN_NUMBER
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.pipeline import labelled_window
from aifactory_runtime.pipeline.labelled_window import Candidates, Source
from aifactory_runtime.pipeline.split_rows import Sided
from aifactory_runtime.pipeline.table_rows import TableRows
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Far:
    """Values of a column beyond its limits: in training rows, which are taken out, and in other rows."""

    removed: int = 0
    kept: int = 0

    def and_more(self, other: Far) -> Far:
        """These and others."""
        return Far(self.removed + other.removed, self.kept + other.kept)


@dataclass(frozen=True)
class Settled:
    """A table whose rows lie where they stay: rows by side, outliers by column, the newest rows by source."""

    rows: tuple[int, ...]
    far: Mapping[str, Far]
    newest: Sequence[Candidates]


def limits(executor: Executor, sided: Sided, names: Sequence[str], sigmas: float) -> dict[str, Limits]:
    """Limits of the columns `names`, learned from the training rows."""
    if not names:
        return {}
    task = partial(_told, sided, tuple(names))
    told = (chunk for found in executor.in_order(task, sided.given.partitions, what="partition") for chunk in found)
    return outliers.of_chunks(told, names, sigmas)


@dataclass(frozen=True)
class Ask:
    """What is to be done with sided rows: training rows with values beyond `ends` leave training.

    Of each source the newest `most` test rows that are not of the reference are told.
    """

    sided: Sided
    ends: Mapping[str, Limits]
    sources: tuple[Source, ...]
    most: int


def settle(executor: Executor, ask: Ask) -> Settled:
    """Do it, and keep the sides as they are then."""
    rows = np.zeros(len(NAMES), dtype=np.int64)
    far = dict.fromkeys(ask.ends, Far())
    newest = [labelled_window.NONE] * len(ask.sources)
    for found in executor.in_order(partial(_settle, ask), ask.sided.given.partitions, what="partition"):
        before = int(rows[TEST_NUMBER])
        newest = [one.then(other, before, ask.most) for one, other in zip(newest, found.newest, strict=True)]
        far = {name: one.and_more(found.far[name]) for name, one in far.items()}
        rows += np.array(found.rows)
    return Settled(tuple(rows.tolist()), far, newest)


def frames(sided: Sided, partition: Partition) -> Iterator[pd.DataFrame]:
    """The rows of a partition with their split, chunk by chunk; each frame holds one side. Copies are left out."""
    return _by_side(sided.given.table, partition, sided.last(partition))


def prepared_outliers(
    executor: Executor, folder: Place, version: int, names: Sequence[str], sigmas: float
) -> tuple[dict[str, Limits], dict[str, dict[str, int]]]:
    """Limits by column from the training rows of a version of the prepared table, and how many rows lie beyond them."""
    if not names:
        return {}, {}
    parted = partitions.of(folder, PREPARED, version)
    learn = partial(_prepared_told, folder, version, tuple(names))
    told = (chunk for found in executor.in_order(learn, parted, what="partition") for chunk in found)
    ends = outliers.of_chunks(told, names, sigmas)
    counts = {name: {"training_rows": 0, "other_rows": 0} for name in ends}
    for beyond in executor.in_order(partial(_prepared_count, folder, version, ends), parted, what="partition"):
        for name, more in beyond.items():
            counts[name] = {what: counts[name][what] + count for what, count in more.items()}
    return ends, counts


def _told(sided: Sided, names: Sequence[str], partition: Partition) -> list[dict[str, Numbers]]:
    by_side = _by_side(sided.given.table, partition, sided.of(partition)[0])
    return list(outliers.chunks((one for one in by_side if one[split.SPLIT].iat[0] == split.TRAIN), names))


def _settle(ask: Ask, partition: Partition) -> Settled:
    found = ask.sided.of(partition)
    own = (ask.sided.given.before(partition), ask.sided.given.of(partition).times if ask.sources else None)
    newest = [labelled_window.candidates(one, own, found, ask.most) for one in ask.sources]
    made, far = _without_outliers(ask.sided.given.table, partition, found[0], ask.ends) if ask.ends else (found[0], {})
    ask.sided.keep(partition, made)
    return Settled(tuple(np.bincount(made[made >= 0], minlength=len(NAMES)).tolist()), far, newest)


def _without_outliers(
    table: TableRows, partition: Partition, sides: split.Sides, ends: Mapping[str, Limits]
) -> tuple[split.Sides, dict[str, Far]]:
    """The sides with training rows that hold outliers moved to `spare`, and how many values were far."""
    made, start = sides.copy(), 0
    found = {name: Far() for name in ends}
    for frame in table.frames(partition):
        here = slice(start, start + len(frame))
        start += len(frame)
        trained, other = sides[here] == TRAIN_NUMBER, (sides[here] != TRAIN_NUMBER) & (sides[here] >= 0)
        for name, limits_here in ends.items():
            far = outliers.beyond(frame, name, limits_here)
            found[name] = found[name].and_more(Far(int((far & trained).sum()), int((far & other).sum())))
            made[here][far & trained] = SPARE_NUMBER
    return made, found


def _by_side(table: TableRows, partition: Partition, sides: split.Sides) -> Iterator[pd.DataFrame]:
    """The rows of a chunk by side."""
    start = 0
    for frame in table.frames(partition):
        here = sides[start : start + len(frame)]
        start += len(frame)
        for number, name in enumerate(NAMES):
            places = np.flatnonzero(here == number)
            if len(places):
                yield frame.take(places).assign(**{split.SPLIT: name})


def _prepared_told(folder: Place, version: int, names: Sequence[str], partition: Partition) -> list[dict[str, Any]]:
    trained = (split.SPLIT, split.TRAIN)
    columns = tables.batches(folder, PREPARED, version, columns=names, where=trained, files=partition.files)
    return list(outliers.chunks(columns, names))


def _prepared_count(
    folder: Place, version: int, ends: Mapping[str, Limits], partition: Partition
) -> dict[str, dict[str, int]]:
    columns = [*ends, split.SPLIT]
    return outliers.count(tables.batches(folder, PREPARED, version, columns=columns, files=partition.files), ends)
