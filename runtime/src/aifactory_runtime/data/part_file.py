"""One Parquet file of a table while it is written: rows in order, aside until it is whole; and what is known of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import column_names

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Written:
    """A file that is whole, and not yet in its table: which numbers its rows have there, and its columns."""

    path: Path
    first: int
    rows: int
    schema: pa.Schema


class PartFile:
    """Rows for one file; those that wait make a chunk of it when they are flushed. `tight` packs it for long keeping.

    `first` is the number of its first row in the column that keeps the order.
    """

    def __init__(self, path: Path, table: str, first: int, *, tight: bool = False) -> None:
        self.path = path
        self.held = 0
        """Rows that wait."""
        self.rows = 0
        """Rows in the file."""
        self._table, self._first, self._tight = table, first, tight
        self._waiting: list[Any] = []
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Let rows wait behind those that do."""
        self._waiting.append(batch)
        self.held += batch.num_rows

    def flush(self) -> None:
        """Write the rows that wait as a chunk."""
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.Table.from_batches(self._waiting).combine_chunks()
        self._waiting, self.held = [], 0
        start = self._first + self.rows
        table = table.append_column(column_names.ORDER, pa.array(np.arange(start, start + len(table))))
        if self._writer is None:
            self._writer = self._opened(table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self.rows += len(table)

    def close(self) -> Written:
        """Write what waits, and end the file."""
        self.flush()
        self._writer.close()
        return Written(self.path, self._first, self.rows, self._writer.schema)

    def give_up(self) -> None:
        """Remove it, as far as it was written."""
        with suppress(OSError):
            if self._writer is not None:
                self._writer.close()
        with suppress(OSError):
            self.path.unlink()

    def _opened(self, schema: pa.Schema) -> Any:
        import pyarrow as pa
        from pyarrow import parquet

        column_names.check_case(f"table {self._table}", schema.names)
        texts = [entry.name for entry in schema if pa.types.is_string(entry.type)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Level 9 takes less room by 6 % or more than level 1, for 0.1 s of the processor per 20,000 predictions.
        packed = {"compression": "zstd", "compression_level": 9} if self._tight else {"compression": "snappy"}
        return parquet.ParquetWriter(str(self.path), schema, use_dictionary=texts, **packed)
