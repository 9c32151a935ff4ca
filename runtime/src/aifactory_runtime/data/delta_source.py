"""Reads a Delta table that others wrote, as its log has it: partitions, deleted rows, renamed columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import pieces, stored_columns
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Piece, Split, Wanted
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

_PLAIN_READER = 1
"""Reader version of tables that are their Parquet files, whole: what Arrow reads."""
_FEATURE = re.compile(r"[Ff]eature '([\w-]+)' is not supported|features required: \[([\w, ]+)\]")
_INSTEAD = "write it to a new table without that, or save it as Parquet"


def digest_lines(table: DeltaTable) -> Iterator[str]:
    """What decides the content of the table's version: its parts, which of their rows are deleted, and the names.

    A deletion changes neither path nor size of a part, a renamed column nothing but the schema.
    """
    import numpy as np
    import pyarrow as pa

    actions = pa.table(table.get_add_actions(flatten=True))
    for path, size in sorted(zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True)):
        yield f"{path} {size}\n"
    if _plain(table):
        return
    yield json.dumps(json.loads(table.schema().to_json()), sort_keys=True) + "\n"
    deleted = pa.table(table.deletion_vectors())
    kept = [np.packbits(one.values.to_numpy(zero_copy_only=False)).tobytes() for one in deleted["selection_vector"]]
    for path, rows in sorted(zip(deleted["filepath"].to_pylist(), kept, strict=True)):
        yield f"deleted {path.rpartition('/')[2]} {hashlib.sha256(rows).hexdigest()}\n"


@dataclass(frozen=True)
class DeltaFiles:
    """Reads the files of a Delta table, whose columns are `schema`; see `pieces.Reader`."""

    name: str
    wanted: Wanted
    schema: pa.Schema

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """See `pieces.Reader`."""
        stored = piece.place.to_batches(schema=self.schema, batch_size=self.wanted.rows)
        yield from stored_columns.batches(self.name, stored, self.wanted, notes, piece.before)

    def count(self, piece: Piece) -> int:
        """See `pieces.Reader`."""
        return piece.rows or 0


@dataclass(frozen=True)
class DeltaWhole:
    """Reads a version of a Delta table with Delta's own engine, in the order of its log; see `pieces.Reader`."""

    name: str
    address: str
    version: int
    wanted: Wanted

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """See `pieces.Reader`; FactoryError names a feature of Delta that is not read here."""
        yield from stored_columns.batches(self.name, self._stored(), self.wanted, notes, piece.before)

    def count(self, piece: Piece) -> int:
        """See `pieces.Reader`."""
        del piece
        return sum(batch.num_rows for batch in self._stored())

    def _stored(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from deltalake import QueryBuilder

        # One file after another: the engine's own number of threads would mix their rows.
        rows = str(self.wanted.rows)
        engine = QueryBuilder({"datafusion.execution.target_partitions": "1", "datafusion.execution.batch_size": rows})
        with _features_named(self.name):
            table = open_table(self.name, self.address, self.version)
            found = engine.register("source", table).execute("SELECT * FROM source")
            yield from pa.RecordBatchReader.from_stream(found)


def split(name: str, address: str, filesystem: Any, wanted: Wanted) -> Split:
    """The newest version of the table at `address`: its files in the order of their paths, large ones in pieces.

    A table with deleted rows or renamed columns is one piece: only Delta's own engine reads it.
    """
    table = open_table(name, address)
    if not _plain(table):
        whole = DeltaWhole(name, address, table.version(), wanted)
        columns = len(table.schema().fields)
        return Split(whole, (Piece(None, None),), columns, "it is a Delta table with deleted rows or renamed columns")
    dataset = table.to_pyarrow_dataset(filesystem=filesystem)
    found = []
    for fragment in sorted(dataset.get_fragments(), key=lambda fragment: fragment.path):
        chunks = [chunk.num_rows for chunk in fragment.row_groups]
        for which, held, before in pieces.chunks(chunks, len(dataset.schema)):
            found.append(Piece(fragment.subset(row_group_ids=list(which)), held, before))
    return Split(DeltaFiles(name, wanted, dataset.schema), tuple(found), len(dataset.schema))


def open_table(name: str, address: str, version: int | None = None) -> DeltaTable:
    """A version (the newest) of the table at a path or an address; FactoryError names a feature that is not read."""
    from deltalake import DeltaTable

    with _features_named(name):
        return DeltaTable(address, version=version)


@contextmanager
def _features_named(name: str) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError as error:
        if feature := _feature(str(error)):
            raise FactoryError(f"{name} uses the Delta feature {feature}, which is not read here: {_INSTEAD}") from None
        raise


def _plain(table: DeltaTable) -> bool:
    return int(table.protocol().min_reader_version) <= _PLAIN_READER


def _feature(message: str) -> str | None:
    found = _FEATURE.search(message)
    if found:
        return found[1] or found[2]
    return "catalogManaged" if "catalog-managed" in message else None
