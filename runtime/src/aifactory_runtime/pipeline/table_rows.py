"""How the rows of a run's tables are read, partition by partition; small enough to be sent to another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aifactory_runtime.config.project import Science
from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.data import conform, partitions, tables
from aifactory_runtime.data.partitions import Partition
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TableRows:
    """A version of a table as it is stored; of its columns those in `columns`, all for None."""

    folder: Place
    name: str
    version: int
    columns: Sequence[str] | None = None

    def partitions(self) -> list[Partition]:
        """In the order of the rows."""
        return partitions.of(self.folder, self.name, self.version)

    def frames(self, partition: Partition) -> Iterator[pd.DataFrame]:
        """The rows of a partition, chunk by chunk."""
        return tables.batches(self.folder, self.name, self.version, columns=self.columns, files=partition.files)


@dataclass(frozen=True)
class ConformedRows(TableRows):
    """The raw table as schema.py wants it, whose checks it has passed before."""

    science: Science = field(kw_only=True)
    settings: Mapping[str, ColumnSettings] = field(kw_only=True)

    def frames(self, partition: Partition) -> Iterator[pd.DataFrame]:
        """The rows of a partition, chunk by chunk."""
        schema = conform.row_wise(self.science.schema())
        plain = not conform.transforms(schema)
        for frame in super().frames(partition):
            yield conform.conform(frame, schema, self.settings, checks=not plain)
