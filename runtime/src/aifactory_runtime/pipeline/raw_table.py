"""The raw table of a run as schema.py wants it, looked at in parts: on the workers of a cluster, or in this process."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.config.project import Science
from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.data import conform, leak_sample, spans
from aifactory_runtime.data.counted import Look
from aifactory_runtime.data.spans import BlockReader, Part
from aifactory_runtime.data.tables import RAW
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R")


@dataclass(frozen=True)
class Reading:
    """How a part is read, on whichever worker: what was checked before is not `checked` again."""

    stored: BlockReader
    science: Science
    columns: Mapping[str, ColumnSettings]
    checked: bool

    def frames(self, part: Part) -> Iterator[pd.DataFrame]:
        """The rows of a part, a block at a time; FactoryError when they do not fit schema.py."""
        schema = conform.row_wise(self.science.schema())
        checks = self.checked or conform.transforms(schema)
        for frame in self.stored.frames(part):
            yield conform.conform(frame, schema, self.columns, checks=checks)


class RawTable:
    """See `counted.Table`. The first look at all columns checks the rows, and draws a sample to look for leaks in."""

    def __init__(
        self, executor: Executor, at: tuple[Place, int], science: Science, columns: Mapping[str, ColumnSettings]
    ) -> None:
        self._executor, self._science, self._columns = executor, science, columns
        self._stored, found = spans.of(at[0], RAW, at[1])
        self._parts = spans.shared(found, self._stored.block, alone=isinstance(executor, LocalExecutor))
        self._rows = self._parts[-1].end if self._parts else 0
        self.sample: leak_sample.Sample | None = None

    def each(self, look: Look[R], columns: Sequence[str] | None = None) -> Iterator[R]:
        """See `counted.Table`."""
        first = self.sample is None and columns is None
        reading = Reading(self._stored, self._science, self._columns, first)
        if not first:
            yield from self._executor.in_order(
                functools.partial(_looked, reading, look, columns), self._parts, what="part"
            )
            return
        self.sample = leak_sample.Sample(self._rows)
        checked = functools.partial(_checked, reading, look, self._rows)
        for found, drawn in self._executor.in_order(checked, self._parts, what="part"):
            self.sample.join(drawn)
            yield found


def _checked(reading: Reading, look: Look[R], rows: int, part: Part) -> tuple[R, leak_sample.Sample]:
    sample = leak_sample.Sample(rows, part.first)

    def drawn() -> Iterator[pd.DataFrame]:
        for frame in reading.frames(part):
            sample.add(frame)
            yield frame

    return look(drawn(), part.first), sample


def _looked(reading: Reading, look: Look[R], columns: Sequence[str] | None, part: Part) -> R:
    frames = reading.frames(part)
    if columns is not None:
        frames = (frame[list(columns)] for frame in frames)
    return look(frames, part.first)
