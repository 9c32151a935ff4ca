"""One pass over a table: every column added up, duplicates counted, and a part of the rows kept, drawn evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory.profile.column import Changed, ColumnScan, Hashes
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data import source
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_ROWS = 20_000
_SEED = 7
_PRIME = np.uint64(0x100000001B3)
_HASHED_ROWS = 30_000_000
"""Rows that duplicates are looked for in, eight bytes each; of a longer table the first ones."""
_STORED = {"double": "number", "int64": "integer", "bool": "boolean", "string": "text", "timestamp[us]": "date"}


@dataclass(frozen=True)
class Table:
    """What one pass over a table found."""

    rows: int
    duplicates: int
    columns: tuple[ColumnScan, ...]
    read: ReadSettings
    kept: pa.Table
    """At most twice SAMPLE_ROWS of its rows, drawn evenly, as the source stores them."""

    def column(self, name: str) -> ColumnScan | None:
        """The column of that name; None when there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def values(self, name: str, kind: str) -> pa.Array:
        """Kept values of a column as `kind`."""
        found: pa.Array = kinds_of.to_kind(
            self.kept.column(name).combine_chunks(), kind, self.read.dates, self.read.decimal
        )
        return found


def scan(located: Located, read: ReadSettings) -> Table:
    """Look at every row; FactoryError when the table cannot be read or its files have different columns."""
    texts: set[str] = set()
    while True:
        try:
            return _scan(located, read, texts)
        except Changed as changed:
            texts.add(str(changed))


def _scan(located: Located, read: ReadSettings, texts: set[str]) -> Table:
    columns: list[ColumnScan] = []
    keeper, duplicates, rows = _Keeper(), _Duplicates(), 0
    for batch in source.batches(located, read):
        if not columns:
            stored = {field.name: _STORED[str(field.type)] for field in batch.schema}
            columns = [ColumnScan(name, kind, name in texts) for name, kind in stored.items()]
        if [column.name for column in columns] != batch.schema.names:
            raise FactoryError(f"{located.name}: its files have different columns: name one table")
        hashed = np.zeros(batch.num_rows, dtype=np.uint64)
        for column, values in zip(columns, batch.columns, strict=True):
            hashed = hashed * _PRIME + column.add(values, read.dates, read.decimal)
        rows += batch.num_rows
        duplicates.add(hashed)
        keeper.add(batch)
    return Table(rows, duplicates.count(), tuple(columns), read, keeper.table())


class _Duplicates:
    """Rows that are there before, by a hash of the whole row."""

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._rows = 0

    def add(self, hashes: Hashes) -> None:
        if self._rows < _HASHED_ROWS:
            self._hashes.append(hashes)
            self._rows += len(hashes)

    def count(self) -> int:
        every = np.concatenate(self._hashes)
        every.sort()
        return int((every[1:] == every[:-1]).sum())


class _Keeper:
    """Keeps rows with equal chance: each draws a number, those below a falling bar stay."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(_SEED)
        self._bar = 1.0
        self._kept: list[Any] = []
        self._drawn: list[Any] = []

    def add(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        drawn = self._draw.random(batch.num_rows)
        stays = drawn < self._bar
        if stays.any():
            self._kept.append(batch.filter(pa.array(stays)) if not stays.all() else batch)
            self._drawn.append(drawn[stays])
        if sum(len(part) for part in self._drawn) > 2 * SAMPLE_ROWS:
            self._lower()

    def table(self) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(self._kept)

    def _lower(self) -> None:
        import pyarrow as pa

        drawn = np.concatenate(self._drawn)
        self._bar = float(np.partition(drawn, SAMPLE_ROWS)[SAMPLE_ROWS])
        stays = drawn < self._bar
        table = self.table().filter(pa.array(stays)).combine_chunks()
        self._kept, self._drawn = table.to_batches(), [drawn[stays]]
