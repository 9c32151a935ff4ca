"""Reads a Delta table that others wrote, as its log has it: partitions, deleted rows, renamed columns."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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


def batches(name: str, table: DeltaTable, filesystem: Any, rows: int) -> Iterator[pa.RecordBatch]:
    """Its rows, file by file: in the order of their paths, of tables with deleted rows or renamed columns in the log's.

    FactoryError names a feature of Delta that is not read here.
    """
    if _plain(table):
        dataset = table.to_pyarrow_dataset(filesystem=filesystem)
        for fragment in sorted(dataset.get_fragments(), key=lambda fragment: fragment.path):
            yield from fragment.to_batches(schema=dataset.schema, batch_size=rows)
        return
    import pyarrow as pa
    from deltalake import QueryBuilder

    # One file after another: the engine's own number of threads would mix their rows.
    engine = QueryBuilder({"datafusion.execution.target_partitions": "1", "datafusion.execution.batch_size": str(rows)})
    with _features_named(name):
        found = engine.register("source", table).execute("SELECT * FROM source")
        yield from pa.RecordBatchReader.from_stream(found)


def open_table(name: str, address: str) -> DeltaTable:
    """The newest version of the table at a path or an address; FactoryError names a feature that is not read here."""
    from deltalake import DeltaTable

    with _features_named(name):
        return DeltaTable(address)


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
