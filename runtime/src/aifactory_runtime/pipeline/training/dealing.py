"""Which rows each rank of a fit has: whole partitions in turn, or every n-th row of all where partitions are few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.pipeline.training.chunks import Chunk
from aifactory_runtime.pipeline.training.parted import How, Parted

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Dealt:
    """The rows of one rank; the same number of ranks gives the same rows to each."""

    partitions: tuple[Chunk, ...]
    how: How
    start: int = 0
    step: int = 1

    def read(self) -> Iterator[tuple[Matrix, Array]]:
        """Matrix and coded labels, one partition after the other."""
        for partition in self.partitions:
            values, labels = self.how.coded(partition)
            first = (self.start - partition.first) % self.step
            if len(labels[first :: self.step]):
                yield values[first :: self.step], labels[first :: self.step]

    def joined(self) -> tuple[Array, Array]:
        """All of them, values as float32: shape (rows, features) and (rows,)."""
        found = [(values.astype(np.float32), labels) for values, labels in self.read()]
        return np.concatenate([values for values, _ in found]), np.concatenate([labels for _, labels in found])


def deal(rows: Parted, ranks: int) -> Sequence[Dealt]:
    """The rows of each of `ranks`."""
    if len(rows.partitions) >= ranks:
        return [Dealt(rows.partitions[place::ranks], rows.how) for place in range(ranks)]
    return [Dealt(rows.partitions, rows.how, place, ranks) for place in range(ranks)]


def whole(rows: Parted) -> Dealt:
    """All rows, for each rank the same."""
    return Dealt(rows.partitions, rows.how)
