"""The split of a table by partitions and buckets, on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.data import split
from aifactory_runtime.data.splitting import decide, stored
from aifactory_runtime.data.splitting.exchange import Exchange
from aifactory_runtime.data.splitting.sides import DROPPED
from aifactory_runtime.errors import FactoryError
from tests.unit.runtime.data.splitting.random_tables import Case, Found


def by_partition(one: Case, folder: Path, partitions: int, buckets: int, executor: Executor | None = None) -> Found:
    """The same, by so many partitions and buckets."""
    rows, ids, firsts = _given(one, folder, "rows", min(partitions, len(one.frame)), buckets)
    reference = None
    if one.reference is not None:
        known = replace(one, frame=one.reference, roles=one.reference_roles, key=())
        reference = _given(known, folder, "reference", min(2, len(one.reference)), buckets)[0]
    there = stored.StoredBuckets(folder, buckets, executor or LocalExecutor())
    decided_on = decide.Table(one.roles.time is not None, not one.roles.regression, ids)
    try:
        begun = there.begin(rows, one.settings, ids, reference)
        decided = decide.decide(there, begun, one.settings, decided_on)
    except FactoryError as error:
        return str(error)
    back = Exchange(folder, "sides", rows.partitions)
    there.give_back(back, firsts, decided.newest)
    sides, since = np.full(len(one.frame), DROPPED, dtype=np.int8), np.zeros(len(one.frame), dtype=np.bool_)
    for partition in range(rows.partitions):
        for found in back.take(buckets, partition):
            sides[found["place"]] = found["side"]
            since[found["place"]] = found["since"] & (one.reference is not None)
    return sides.tolist(), since.tolist(), decided.report


def _given(
    one: Case, folder: Path, name: str, partitions: int, buckets: int
) -> tuple[stored.Rows, list[str], np.ndarray[Any, Any]]:
    """The table given to buckets; the columns that may be ids, and the number of each partition's first row."""
    rows, codes, ids = (
        stored.Rows(Exchange(folder, name, buckets), partitions),
        dict[Any, int](),
        set(one.roles.ignored),
    )
    places = np.array_split(np.arange(len(one.frame)), partitions)
    for partition, here in enumerate(places):
        own: dict[Any, int] = {}
        read = split.scan([one.frame.iloc[here]], one.roles, one.settings.group, one.key, own)
        stored.give(rows, partition, read, int(here[0]), one.roles.ignored)
        ids &= set(read.ids)
        if read.labels is not None:
            numbers = [codes.setdefault(label, len(codes)) for label in own]
            stored.number_classes(rows, partition, np.array(numbers))
    return rows, [name for name in one.roles.ignored if name in ids], np.array([here[0] for here in places])
