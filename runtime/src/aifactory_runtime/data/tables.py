"""Delta tables of an environment: written once per content, read back at a version, in the order they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import ahead, column_names, parts, removals
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable

RAW = "raw"
PREPARED = "prepared"
REFERENCE = "reference"
SCORED = "scored"
CAPTURED = "captured"
MONITORS = "monitors"
LABELS = "labels"

SHA256 = "sha256"
"""Key of a commit that writes content."""
_LOOKS, _BATCH = 50, 16
KEPT_LOG = {"delta.enableExpiredLogCleanup": "false"}
"""Else Delta drops commits of more than a month at each hundredth, and with them the versions that models name."""
Chunks = Iterable["pa.RecordBatch | pd.DataFrame"] | Callable[[parts.Writer], None]


def batch_of(prediction_id: str) -> str:
    """How the ids of all rows of one batch in `scored` begin, and of no others."""
    return prediction_id[:_BATCH]


@dataclass(frozen=True)
class TableVersion:
    """One version of a table, and the digest of its content."""

    version: int
    sha256: str

    @property
    def tag(self) -> str:
        """As tags and audit lines name it."""
        return f"{self.version}@{self.sha256}"


def latest(folder: Path, name: str) -> TableVersion | None:
    """The newest version of a table, None when there is no table. Newest is by number, whatever clocks said.

    That is the last commit with a digest: what takes old versions away commits, too, and changes no row.
    """
    table = _open(folder, name)
    if table is None:
        return None
    for looks in (1, _LOOKS, None):
        for commit in table.history(looks):
            if SHA256 in commit:
                return TableVersion(int(commit["version"]), str(commit[SHA256]))
    return TableVersion(table.version(), "")


def write(
    folder: Path,
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

    found = latest(folder, name)
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
            configuration=KEPT_LOG,
            commit_properties=CommitProperties(custom_metadata={SHA256: sha256}),
        )
    return latest(folder, name) or TableVersion(0, sha256)


@dataclass(frozen=True)
class Appended:
    """Rows of one append; `new` is False when they were there before."""

    rows: int
    new: bool


def append(
    folder: Path,
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
    table = _open(folder, name)
    before = None if table is None else table.transaction_version(mark)
    if before is not None and not were_removed:
        return Appended(before, new=False)
    writer = parts.Writer(folder / name, {"": _rows(table)})
    with _whole(folder, name, writer):
        _fill(writer, chunks)
        # Delta keeps these marks for good, while its history forgets commits after a month.
        actions, done = writer.close(), [Transaction(mark, writer.rows)]
        properties = CommitProperties(custom_metadata=dict(facts), app_transactions=done)
        _add(folder / name, table, writer.schema, actions, properties)
    return Appended(writer.rows, new=True)


def _fill(writer: parts.Writer, chunks: Chunks) -> None:
    if callable(chunks):
        chunks(writer)
    else:
        writer.add_all(ahead.ahead(map(to_arrow, chunks)))


def append_stream(
    folder: Path, name: str, upto: tuple[str, int], *, by: str, chunks: Callable[[], Iterable[pa.RecordBatch]]
) -> Appended:
    """Add the next rows of a stream in one commit, a file for each value of the text column `by`, tightly packed.

    `upto` names the stream, and its last row by a number that grows: nothing is written when the table has the stream
    up to there, so that who is killed does the same again. `chunks` is called twice; a chunk holds one value of `by`.
    """
    from deltalake import CommitProperties, Transaction

    table = _open(folder, name)
    if _position(table, upto[0]) >= upto[1]:
        return Appended(0, new=False)
    counted: dict[str, int] = {}
    for batch in chunks():
        value = batch.column(by)[0].as_py()
        counted[value] = counted.get(value, 0) + batch.num_rows
    if not counted:
        return Appended(0, new=False)
    first, starts = _rows(table), {}
    for value, rows in counted.items():
        starts[value], first = first, first + rows
    writer = parts.Writer(folder / name, starts, by, long_texts=True)
    with _whole(folder, name, writer):
        for batch in chunks():
            writer.add(batch, batch.column(by)[0].as_py())
        actions, done = writer.close(), [Transaction(*upto)]
        _add(folder / name, table, writer.schema, actions, CommitProperties(app_transactions=done))
    return Appended(writer.rows, new=True)


def having(
    folder: Path, name: str, where: tuple[str, str], within: tuple[str, Callable[[str], bool]], *, part: bool = False
) -> Iterator[dict[str, Any]]:
    """The rows in which a text column has a value, of files that `append_stream` wrote, one for each value of a column.

    `within` is that column, and which of its values are looked at. With `part` the value is a part of the text.
    No rows when there is no table, nor of files from before it had the column.
    """
    table = _open(folder, name)
    if table is None:
        return
    with readable(folder, name):
        for file in parts.stored(table):
            if within[1](str(file.only.get(within[0]))):
                for row in parts.rows_with(folder / name / file.path, where, part=part):
                    yield {column: value for column, value in row.items() if column != parts.ORDER}


def newest(
    folder: Path, name: str, by: tuple[str, str], most: int, columns: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """The rows of the last `most` files that `append_stream` wrote for values that begin so, oldest first.

    `by` is the column that the files are parted by, and how the values begin. Only these files are read, and of them
    only `columns`. None when there is no table.
    """
    table = _open(folder, name)
    if table is None:
        return []
    schema = _only(_schema(table), columns)
    wanted = [file for file in parts.stored(table) if str(file.only.get(by[0], "")).startswith(by[1])][-most:]
    with readable(folder, name):
        return [
            [row for chunk in parts.read(folder / name, [file], schema, None, file.rows) for row in chunk.to_pylist()]
            for file in wanted
        ]


def count(folder: Path, name: str, version: int | None = None, where: tuple[str, object] | None = None) -> int:
    """Rows of a version, or those in which a column has a value; FactoryError when the table is not there."""
    table = _there(folder, name, version)
    files = parts.stored(table)
    if where is None:
        return sum(file.rows for file in files)
    if all(where[0] in file.only for file in files):
        return sum(file.rows for file in files if file.only[where[0]] == where[1])
    return sum(len(chunk) for chunk in batches(folder, name, version, columns=[where[0]], where=where))


def parted_by(folder: Path, name: str, column: str, version: int | None = None) -> list[str]:
    """Values of the column that a table's files are parted by, in order; FactoryError when the table is not there."""
    return sorted({str(file.only[column]) for file in parts.stored(_there(folder, name, version))})


def columns(folder: Path, name: str, version: int | None = None) -> pa.Schema:
    """Columns of a version by name and type; FactoryError when the table is not there."""
    return _schema(_there(folder, name, version))


def batches(
    folder: Path,
    name: str,
    version: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    where: tuple[str, object] | None = None,
    above: tuple[str, int] | None = None,
    holding: tuple[str, str] | None = None,
    rows: int | None = None,
    files: Sequence[parts.Stored] | None = None,
) -> Iterator[pd.DataFrame]:
    """The rows of a version in the order they were written, as frames of `rows` rows at most.

    Without `rows` a frame holds about 32 MB of numbers. `columns` takes only these; `where` only the rows in which a
    column has a value, `above` those in which a whole number is larger, `holding` those in which a text has a part;
    `files` those of one partition (`partitions`). FactoryError when the table is not there.
    """
    table = _there(folder, name, version)
    schema = _only(_schema(table), columns)
    with readable(folder, name, version):
        wanted, most = files or parts.stored(table), rows or parts.chunk_rows(len(schema))
        chunks = parts.read(folder / name, wanted, schema, where, most, above=above, holding=holding)
        yield from map(to_frame, ahead.ahead(chunks))


def sampled(folder: Path, name: str, above: int, most: int) -> Iterator[tuple[list[int], pd.DataFrame]]:
    """Rows behind the number `above` in the order of the table, of each append `most` at most, evenly spread over it.

    Frames, each with the numbers of its rows, which count from 0. Nothing when there is no table.
    """
    import numpy as np
    import pyarrow as pa

    table = _open(folder, name)
    if table is None:
        return
    schema = pa.schema(table.schema().to_arrow())
    with readable(folder, name):
        for files in parts.appends(table):
            rows, numbered = sum(file.rows for file in files), (parts.ORDER, above)
            step, chunk_rows = max(1, rows // most), parts.chunk_rows(len(schema))
            wanted = [file for file in files if file.first + file.rows > above + 1]
            for chunk in parts.read(folder / name, wanted, schema, None, chunk_rows, above=numbered):
                numbers = chunk.column(parts.ORDER).to_numpy()
                place, apart = np.divmod(numbers - files[0].first, step)
                chosen = chunk.take(np.flatnonzero((apart == 0) & (place < most)))
                if len(chosen):
                    yield chosen.column(parts.ORDER).to_pylist(), to_frame(chosen.drop_columns([parts.ORDER]))


def starts(folder: Path, name: str) -> list[int]:
    """The number of the first row of each append, in the order of the table; none when there is no table."""
    table = _open(folder, name)
    return [] if table is None else [files[0].first for files in parts.appends(table)]


def chunked(folder: Path, name: str, version: int | None = None) -> list[tuple[parts.Stored, list[int]]]:
    """The files of a version in the order of their rows, each with the rows of its chunks."""
    files = parts.stored(_there(folder, name, version))
    with readable(folder, name, version):
        return [(file, parts.chunks_of(folder / name / file.path)) for file in files]


def read(folder: Path, name: str, version: int | None = None) -> pd.DataFrame:
    """All rows of a version (the newest by default) in the order they were written; FactoryError when not there."""
    import pyarrow as pa

    table = _there(folder, name, version)
    schema = _schema(table)
    with readable(folder, name, version):
        chunks = list(parts.read(folder / name, parts.stored(table), schema, None, parts.chunk_rows(len(schema))))
        return to_frame(pa.concat_tables(chunks) if chunks else schema.empty_table())


def to_arrow(chunk: Any) -> pa.RecordBatch:
    """A frame as Arrow; what is no number, date or truth value becomes text."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(chunk, pa.RecordBatch):
        return chunk
    made = {}
    for name in chunk.columns:
        series: Any = chunk[name]
        if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype):
            values = series.to_numpy(dtype=object, na_value=None)
            made[str(name)] = _objects(values)
        else:
            found = pa.array(series, from_pandas=True)
            made[str(name)] = found.cast(pa.string()) if pa.types.is_large_string(found.type) else found
    return pa.RecordBatch.from_pydict(made)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow as a frame that holds no objects: nulls are NaN, in whole numbers and truth values they are NA."""
    import pandas as pd
    import pyarrow as pa

    made: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if column.null_count and pa.types.is_integer(column.type):
            made[name] = _masked(pd.Int64Dtype(), values.cast(pa.int64()))
        elif column.null_count and pa.types.is_boolean(column.type):
            made[name] = _masked(pd.BooleanDtype(), values)
        elif pa.types.is_string(column.type):
            made[name] = values.to_pandas()
        else:
            made[name] = values.to_numpy(zero_copy_only=False)
    frame: pd.DataFrame = pd.DataFrame(made, index=pd.RangeIndex(len(table)), copy=False)
    return frame


def _open(folder: Path, name: str, version: int | None = None) -> DeltaTable | None:
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    if not (folder / name / "_delta_log").is_dir():
        return None
    with readable(folder, name, version):
        try:
            return DeltaTable(str(folder / name), version=version)
        except TableNotFoundError:
            return None


opened = _open
"""For who keeps the table in order: None when there is no table."""


def _there(folder: Path, name: str, version: int | None) -> DeltaTable:
    table = _open(folder, name, version)
    if table is None:
        raise FactoryError(f"table {name} is not there: run the step that writes it")
    return table


def position(folder: Path, name: str, stream: str) -> int:
    """Up to which number the table has a stream; 0 when it has nothing of it."""
    return _position(_open(folder, name), stream)


def _position(table: DeltaTable | None, stream: str) -> int:
    return (table.transaction_version(stream) if table else None) or 0


def _rows(table: DeltaTable | None) -> int:
    """The number that the next row gets in the column that keeps the order."""
    return 0 if table is None else max((file.first + file.rows for file in parts.stored(table)), default=0)


def _add(
    path: Path, table: DeltaTable | None, written: pa.Schema, actions: list[Any], properties: CommitProperties
) -> None:
    """Commit files that were written to a table, which is made or widened where it has to be."""
    from deltalake import Schema
    from deltalake.transaction import create_table_with_add_actions

    schema = Schema.from_arrow(written)
    if table is None:
        create_table_with_add_actions(str(path), schema, actions, configuration=KEPT_LOG, commit_properties=properties)
    else:
        _widen(table, path.name, schema)
        table.create_write_transaction(actions, "append", table.schema(), commit_properties=properties)


def _schema(table: DeltaTable) -> pa.Schema:
    """Columns of a table without the one that keeps the order."""
    import pyarrow as pa

    return pa.schema([entry for entry in pa.schema(table.schema().to_arrow()) if entry.name != parts.ORDER])


def _only(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """These columns of a schema, or all."""
    import pyarrow as pa

    return schema if columns is None else pa.schema([schema.field(column) for column in columns])


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


def _objects(values: Any) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _masked(dtype: Any, values: pa.Array) -> Any:
    return dtype.__from_arrow__(values)


@contextmanager
def _whole(folder: Path, name: str, writer: parts.Writer) -> Iterator[None]:
    """Whatever goes wrong, files that no commit names are removed."""
    try:
        with one_line(name):
            yield
    except BaseException:
        table = _open(folder, name)
        writer.discard(set() if table is None else {file.path for file in parts.stored(table)})
        raise


@contextmanager
def one_line(name: str) -> Iterator[None]:
    """What disk, Delta and Arrow raise, as one line; Arrow's words are not repeated, they may hold values."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise FactoryError(f"table {name}: {_said(error)}; check the disk's space and rights, then run again") from None


@contextmanager
def readable(folder: Path, name: str, version: int | None = None) -> Iterator[None]:
    """A log or a file that is cut off, damaged or gone stays so however often it is read: the line says what mends it.

    A version that was removed is none of these. What is no damage, such as rights or a failing disk, is said as
    `one_line` says it.
    """
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    with one_line(name):
        try:
            yield
        except (DeltaError, FileNotFoundError, ValueError, pa.ArrowException) as error:
            if version is not None and (removal := removals.find(folder, name, str(version))):
                raise FactoryError(f"version {version} of table {name} {removal.when}") from None
            raise FactoryError(
                f"table {name} is damaged ({_said(error)}): restore {folder / name} from a backup, or move it away to "
                "begin anew"
            ) from None


def _said(error: Exception) -> str:
    """The first line of what failed; of what Arrow could not convert only its kind, as it may hold values."""
    return type(error).__name__ if isinstance(error, ValueError) else str(error).strip().partition("\n")[0][:200]
