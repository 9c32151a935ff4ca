"""Writes Delta tables: content once, rows at the end, the next of a stream; each in one commit, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import ahead, column_names, parts, table_place, tables
from aifactory_runtime.data.arrow_frames import to_arrow
from aifactory_runtime.data.table_errors import one_line
from aifactory_runtime.data.tables import SHA256, TableVersion
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable

Chunks = Iterable["pa.RecordBatch | pd.DataFrame"] | Callable[[parts.Writer], None]


def write(
    folder: Place,
    name: str,
    chunks: Chunks,
    sha256: str,
    *,
    by: str | None = None,
    starts: Mapping[str, int] | None = None,
    again: bool = False,
) -> TableVersion:
    """Replace the table's content by `chunks`, one after another, in one commit; never more than a chunk is held.

    Unless `again`, nothing is written when the newest version has `sha256`. With `by` the rows of each value of that
    column lie together, `starts` says at which place; a chunk then holds one value only. An error leaves no file.
    In place of chunks a function may be given that fills the writer it is handed.
    """
    from deltalake import CommitProperties, Schema
    from deltalake.transaction import create_table_with_add_actions

    found = tables.latest(folder, name)
    if found is not None and found.sha256 == sha256 and not again:
        return found
    writer = parts.Writer(folder / name, starts or {"": 0}, by)
    with _whole(folder, name, writer):
        _fill(writer, chunks)
        actions = writer.close()
        create_table_with_add_actions(
            str(folder / name),
            Schema.from_arrow(writer.schema),
            actions,
            mode="overwrite",
            configuration=tables.KEPT_LOG,
            commit_properties=CommitProperties(custom_metadata={SHA256: sha256}),
            storage_options=table_place.options(folder / name),
        )
    return tables.latest(folder, name) or TableVersion(0, sha256)


@dataclass(frozen=True)
class Appended:
    """Rows of one append; `new` is False when they were there before."""

    rows: int
    new: bool


def append(
    folder: Place,
    name: str,
    chunks: Chunks,
    facts: Mapping[str, str],
    *,
    were_removed: bool = False,
) -> Appended:
    """Add rows in one commit; nothing is read or written when rows with equal facts were added before.

    Unless they `were_removed` since, and are missing. Columns that the table does not have yet are added to it, null
    in the rows before. `chunks` as in `write`.
    """
    from deltalake import CommitProperties, Transaction

    mark = json.dumps(dict(sorted(facts.items())))
    table = table_place.opened(folder, name)
    before = None if table is None else table.transaction_version(mark)
    if before is not None and not were_removed:
        return Appended(before, new=False)
    writer = parts.Writer(folder / name, {"": tables.rows_in(table)})
    with _whole(folder, name, writer):
        _fill(writer, chunks)
        # Delta keeps these marks for good, while its history forgets commits after a month.
        actions, done = writer.close(), [Transaction(mark, writer.rows)]
        properties = CommitProperties(custom_metadata=dict(facts), app_transactions=done)
        _add(folder / name, table, writer.schema, actions, properties)
    return Appended(writer.rows, new=True)


def append_stream(
    folder: Place, name: str, upto: tuple[str, int], *, by: str, chunks: Callable[[], Iterable[pa.RecordBatch]]
) -> Appended:
    """Add the next rows of a stream in one commit, a file for each value of the text column `by`, tightly packed.

    `upto` names the stream, and its last row by a number that grows: nothing is written when the table has the stream
    up to there, so that who is killed does the same again. `chunks` is called twice; a chunk holds one value of `by`.
    """
    from deltalake import CommitProperties, Transaction

    table = table_place.opened(folder, name)
    if tables.position_in(table, upto[0]) >= upto[1]:
        return Appended(0, new=False)
    counted: dict[str, int] = {}
    for batch in chunks():
        value = batch.column(by)[0].as_py()
        counted[value] = counted.get(value, 0) + batch.num_rows
    if not counted:
        return Appended(0, new=False)
    first, starts = tables.rows_in(table), {}
    for value, rows in counted.items():
        starts[value], first = first, first + rows
    writer = parts.Writer(folder / name, starts, by, long_texts=True)
    with _whole(folder, name, writer):
        for batch in chunks():
            writer.add(batch, batch.column(by)[0].as_py())
        actions, done = writer.close(), [Transaction(*upto)]
        _add(folder / name, table, writer.schema, actions, CommitProperties(app_transactions=done))
    return Appended(writer.rows, new=True)


def _fill(writer: parts.Writer, chunks: Chunks) -> None:
    if callable(chunks):
        chunks(writer)
    else:
        writer.add_all(ahead.ahead(map(to_arrow, chunks)))


@contextmanager
def _whole(folder: Place, name: str, writer: parts.Writer) -> Iterator[None]:
    """Whatever goes wrong, files that no commit names are removed."""
    try:
        with one_line(name):
            yield
    except BaseException:
        table = table_place.opened(folder, name)
        writer.discard(set() if table is None else {file.path for file in parts.stored(table)})
        raise


def _add(
    path: Place, table: DeltaTable | None, written: pa.Schema, actions: list[Any], properties: CommitProperties
) -> None:
    """Commit files that were written to a table, which is made or widened where it has to be."""
    from deltalake import Schema
    from deltalake.transaction import create_table_with_add_actions

    schema = Schema.from_arrow(written)
    if table is None:
        create_table_with_add_actions(
            str(path),
            schema,
            actions,
            configuration=tables.KEPT_LOG,
            commit_properties=properties,
            storage_options=table_place.options(path),
        )
    else:
        _widen(table, path.name, schema)
        table.create_write_transaction(actions, "append", table.schema(), commit_properties=properties)


def _widen(table: DeltaTable, name: str, schema: Any) -> None:
    """Add the columns that the table lacks; FactoryError when one is there with another type."""
    there = {entry.name: entry.type for entry in table.schema().fields}
    for entry in schema.fields:
        if entry.name in there and there[entry.name] != entry.type:
            raise FactoryError(
                f"table {name}: {entry.name} holds {there[entry.name].type} so far, now {entry.type.type}: move the "
                "table's folder away, then run again"
            )
    more = [entry for entry in schema.fields if entry.name not in there]
    if more:
        column_names.check_case(f"table {name}", [*there, *(entry.name for entry in more)])
        table.alter.add_columns(more)
