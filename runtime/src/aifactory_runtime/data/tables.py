"""Delta tables of an environment, read at a version and in the order they were written; `table_writing` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import ahead, arrow_frames, part_reading, parts, table_errors, table_place
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from deltalake import DeltaTable

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


def latest(folder: Place, name: str) -> TableVersion | None:
    """The newest version of a table, None when there is no table. Newest is by number, whatever clocks said.

    That is the last commit with a digest: what takes old versions away commits, too, and changes no row.
    """
    table = table_place.opened(folder, name)
    if table is None:
        return None
    for looks in (1, _LOOKS, None):
        for commit in table.history(looks):
            if SHA256 in commit:
                return TableVersion(int(commit["version"]), str(commit[SHA256]))
    return TableVersion(table.version(), "")


def having(
    folder: Place, name: str, where: tuple[str, str], within: tuple[str, Callable[[str], bool]], *, part: bool = False
) -> Iterator[dict[str, Any]]:
    """The rows in which a text column has a value, of files that `append_stream` wrote, one for each value of a column.

    `within` is that column, and which of its values are looked at. With `part` the value is a part of the text.
    No rows when there is no table, nor of files from before it had the column.
    """
    table = table_place.opened(folder, name)
    if table is None:
        return
    with table_errors.readable(folder, name):
        for file in parts.stored(table):
            if within[1](str(file.only.get(within[0]))):
                for row in part_reading.rows_with(folder / name / file.path, where, part=part):
                    yield {column: value for column, value in row.items() if column != parts.ORDER}


def newest(
    folder: Place, name: str, by: tuple[str, str], most: int, columns: Sequence[str]
) -> list[list[dict[str, Any]]]:
    """The rows of the last `most` files that `append_stream` wrote for values that begin so, oldest first.

    `by` is the column that the files are parted by, and how the values begin. Only these files are read, and of them
    only `columns`. None when there is no table.
    """
    table = table_place.opened(folder, name)
    if table is None:
        return []
    schema = _only(_schema(table), columns)
    wanted = [file for file in parts.stored(table) if str(file.only.get(by[0], "")).startswith(by[1])][-most:]
    with table_errors.readable(folder, name):
        return [
            [
                row
                for chunk in part_reading.read(folder / name, [file], schema, None, file.rows)
                for row in chunk.to_pylist()
            ]
            for file in wanted
        ]


def count(folder: Place, name: str, version: int | None = None, where: tuple[str, object] | None = None) -> int:
    """Rows of a version, or those in which a column has a value; FactoryError when the table is not there."""
    table = _there(folder, name, version)
    files = parts.stored(table)
    if where is None:
        return sum(file.rows for file in files)
    if all(where[0] in file.only for file in files):
        return sum(file.rows for file in files if file.only[where[0]] == where[1])
    return sum(len(chunk) for chunk in batches(folder, name, version, columns=[where[0]], where=where))


def parted_by(folder: Place, name: str, column: str, version: int | None = None) -> list[str]:
    """Values of the column that a table's files are parted by, in order; FactoryError when the table is not there."""
    return sorted({str(file.only[column]) for file in parts.stored(_there(folder, name, version))})


def columns(folder: Place, name: str, version: int | None = None) -> pa.Schema:
    """Columns of a version by name and type; FactoryError when the table is not there."""
    return _schema(_there(folder, name, version))


def batches(
    folder: Place,
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
    with table_errors.readable(folder, name, version):
        wanted, most = files or parts.stored(table), rows or parts.chunk_rows(len(schema))
        chunks = part_reading.read(folder / name, wanted, schema, where, most, above=above, holding=holding)
        yield from map(arrow_frames.to_frame, ahead.ahead(chunks))


def sampled(folder: Place, name: str, above: int, most: int) -> Iterator[tuple[list[int], pd.DataFrame]]:
    """Rows behind the number `above` in the order of the table, of each append `most` at most, evenly spread over it.

    Frames, each with the numbers of its rows, which count from 0. Nothing when there is no table.
    """
    import numpy as np
    import pyarrow as pa

    table = table_place.opened(folder, name)
    if table is None:
        return
    schema = pa.schema(table.schema().to_arrow())
    with table_errors.readable(folder, name):
        for files in parts.appends(table):
            rows, numbered = sum(file.rows for file in files), (parts.ORDER, above)
            step, chunk_rows = max(1, rows // most), parts.chunk_rows(len(schema))
            wanted = [file for file in files if file.first + file.rows > above + 1]
            for chunk in part_reading.read(folder / name, wanted, schema, None, chunk_rows, above=numbered):
                numbers = chunk.column(parts.ORDER).to_numpy()
                place, apart = np.divmod(numbers - files[0].first, step)
                chosen = chunk.take(np.flatnonzero((apart == 0) & (place < most)))
                if len(chosen):
                    yield (
                        chosen.column(parts.ORDER).to_pylist(),
                        arrow_frames.to_frame(chosen.drop_columns([parts.ORDER])),
                    )


def starts(folder: Place, name: str) -> list[int]:
    """The number of the first row of each append, in the order of the table; none when there is no table."""
    table = table_place.opened(folder, name)
    return [] if table is None else [files[0].first for files in parts.appends(table)]


def chunked(folder: Place, name: str, version: int | None = None) -> list[tuple[parts.Stored, list[int]]]:
    """The files of a version in the order of their rows, each with the rows of its chunks."""
    files = parts.stored(_there(folder, name, version))
    with table_errors.readable(folder, name, version):
        return [(file, part_reading.chunks_of(folder / name / file.path)) for file in files]


def read(folder: Place, name: str, version: int | None = None) -> pd.DataFrame:
    """All rows of a version (the newest by default) in the order they were written; FactoryError when not there."""
    import pyarrow as pa

    table = _there(folder, name, version)
    schema = _schema(table)
    with table_errors.readable(folder, name, version):
        chunks = list(
            part_reading.read(folder / name, parts.stored(table), schema, None, parts.chunk_rows(len(schema)))
        )
        return arrow_frames.to_frame(pa.concat_tables(chunks) if chunks else schema.empty_table())


def _there(folder: Place, name: str, version: int | None) -> DeltaTable:
    table = table_place.opened(folder, name, version)
    if table is None:
        raise FactoryError(f"table {name} is not there: run the step that writes it")
    return table


def position(folder: Place, name: str, stream: str) -> int:
    """Up to which number the table has a stream; 0 when it has nothing of it."""
    return position_in(table_place.opened(folder, name), stream)


def position_in(table: DeltaTable | None, stream: str) -> int:
    """As `position`, of a table that is open."""
    return (table.transaction_version(stream) if table else None) or 0


def rows_in(table: DeltaTable | None) -> int:
    """The number that the next row gets in the column that keeps the order."""
    return 0 if table is None else max((file.first + file.rows for file in parts.stored(table)), default=0)


def _schema(table: DeltaTable) -> pa.Schema:
    """Columns of a table without the one that keeps the order."""
    import pyarrow as pa

    return pa.schema([entry for entry in pa.schema(table.schema().to_arrow()) if entry.name != parts.ORDER])


def _only(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """These columns of a schema, or all."""
    import pyarrow as pa

    return schema if columns is None else pa.schema([schema.field(column) for column in columns])
