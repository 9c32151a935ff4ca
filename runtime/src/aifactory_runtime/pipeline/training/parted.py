"""The rows of a split by partition: what a worker makes of one, and what training has to know of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.training.chunks import Chunk
from aifactory_runtime.registry.model_folder import InputSchema

R = TypeVar("R")
Array = np.ndarray[Any, Any]
_WHAT = "partition"


@dataclass(frozen=True)
class How:
    """What makes matrix and labels of a partition; it travels to the workers."""

    schema: InputSchema
    features: arrays.Features
    steps: tuple[Any, ...] = ()
    """Fitted transformers that the matrix goes through, in this order."""
    known_only: bool = False
    """Leaves out rows whose class is none of the schema's, as validation may have."""

    def of(self, partition: Chunk) -> tuple[Matrix, Array]:
        """Matrix of shape (rows, features) and labels of shape (rows,), classes as they are in the table."""
        frame = partition.read()
        values = arrays.to_matrix(frame, self.schema, self.features)
        arrays.check_finite(values, self.schema)
        labels = arrays.to_labels(frame, self.schema.target)
        if self.known_only and self.schema.classes:
            kept = np.isin(labels, np.asarray(self.schema.classes))
            values, labels = values[kept], labels[kept]
        for step in self.steps:
            values = step.transform(values)
        return values, labels

    def coded(self, partition: Chunk) -> tuple[Matrix, Array]:
        """As `of`, with each class as its place among the schema's classes."""
        values, labels = self.of(partition)
        return values, np.searchsorted(np.asarray(self.schema.classes), labels) if self.schema.classes else labels


@dataclass(frozen=True)
class Parted:
    """All rows of a split, never held at once: partitions, how each becomes a matrix, and where that is done."""

    partitions: tuple[Chunk, ...]
    how: How
    executor: Executor
    private: bool = False
    """Whether the network between the workers was declared private."""

    @property
    def rows(self) -> int:
        """Of all partitions together."""
        return sum(one.rows for one in self.partitions)

    def through(self, step: Any) -> Parted:
        """The same rows behind one more fitted transformer."""
        return replace(self, how=replace(self.how, steps=(*self.how.steps, step)))

    def behind(self, other: Parted) -> Parted:
        """These rows behind the steps that other rows are behind."""
        return replace(self, how=replace(self.how, steps=other.how.steps))

    def each(self, function: Callable[[Matrix, Array], R], partitions: Sequence[Chunk] | None = None) -> Iterator[R]:
        """What a function of a module makes of matrix and labels of each partition, in the order of `partitions`."""
        chosen = self.partitions if partitions is None else partitions
        return self.executor.in_order(partial(_made, self.how, function), chosen, what=_WHAT)


def _made(how: How, function: Callable[[Matrix, Array], R], partition: Chunk) -> R:
    return function(*how.of(partition))


@dataclass(frozen=True)
class Seen:
    """What was seen of the rows of a split: some of them, evenly spread, and of all of them what labels there are."""

    values: Matrix
    labels: Array
    different: Array
    """Labels that occur, sorted; of numbers to learn the least and the largest, and NaN or infinity where one is."""


def look(parted: Parted, most: int, *, numbers: bool) -> Seen:
    """Every n-th row, at most `most`, and the labels of all; `numbers` for those of a regression.

    FactoryError when there is no row.
    """
    if not parted.rows:
        raise FactoryError("the prepared table has no row in train: the pipeline needs more data")
    step = -(-parted.rows // most)
    run = parted.executor.in_order(partial(_look, parted.how, step, numbers), parted.partitions, what=_WHAT)
    found = list(run)
    different = np.concatenate([one.different for one in found])
    return Seen(
        np.concatenate([one.values for one in found]),
        np.concatenate([one.labels for one in found]),
        _different(different, numbers=numbers),
    )


def _look(how: How, step: int, numbers: bool, partition: Chunk) -> Seen:
    values, labels = how.of(partition)
    chosen = slice(-partition.first % step, None, step)
    return Seen(values[chosen].copy(), labels[chosen].copy(), _different(labels, numbers=numbers))


def _different(labels: Array, *, numbers: bool) -> Array:
    if not numbers or labels.dtype.kind not in "iuf":
        return np.unique(labels)
    return np.unique([labels.min(), labels.max()])  # of which NaN is both where one is missing
