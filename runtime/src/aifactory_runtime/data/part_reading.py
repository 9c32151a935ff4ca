"""Reads the files of a Delta table in the order of their rows, and of a file only the chunks that may matter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data.parts import ORDER, Stored
from aifactory_runtime.data.table_place import parquet_file
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa


def read(
    folder: Place,
    files: Sequence[Stored],
    schema: pa.Schema,
    where: tuple[str, object] | None,
    rows: int,
    *,
    above: tuple[str, int] | None = None,
    holding: tuple[str, str] | None = None,
) -> Iterator[pa.Table]:
    """The columns of `schema` of the files in order, `rows` rows at most at a time; what a file lacks is null.

    `where` takes only the rows in which a column has a value, `above` those in which a whole number is larger,
    `holding` those in which a text has another as a part.
    """
    for file in files:
        if where is None or where[0] not in file.only:
            yield from _read((folder / file.path, file.chunks), schema, where, rows, above, holding=holding)
        elif file.only[where[0]] == where[1]:
            yield from _read((folder / file.path, file.chunks), schema, None, rows, above, holding=holding)


def chunks_of(path: Place) -> list[int]:
    """How many rows each chunk of a file has."""
    with _damage_as_invalid(), parquet_file(path) as file:
        return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]


def rows_with(path: Place, where: tuple[str, str], *, part: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of a file in which a text column has a value, or has it as a `part`.

    Chunks that cannot hold it are not read.
    """
    import pyarrow.compute as pc

    column, value = where
    with _damage_as_invalid(), parquet_file(path) as file:
        if column not in file.schema_arrow.names:
            return
        place = file.schema_arrow.names.index(column)
        for group in range(file.num_row_groups):
            known = file.metadata.row_group(group).column(place).statistics
            if known is not None and _cannot_hold(known, value, part=part):
                continue
            there = file.read_row_group(group, columns=[column]).column(0)
            places = pc.indices_nonzero(pc.match_substring(there, value) if part else pc.equal(there, value))
            if len(places):
                yield from file.read_row_group(group).take(places).to_pylist()


def _cannot_hold(known: Any, value: str, *, part: bool) -> bool:
    """Whether no text of a chunk is the value, or has it as a part, by what its file says of it."""
    if part:
        return bool(known.null_count == known.num_values + known.null_count and known.has_null_count)
    return bool(known.has_min_max and not known.min <= value <= known.max)


def read_chunk(path: Place, chunk: int, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` of one chunk of a file, in the order of its rows; what the file lacks is null."""
    with _damage_as_invalid(), parquet_file(path) as file:
        there = set(file.schema_arrow.names)
        needed = sorted({*schema.names, ORDER} & there)
        return _fitted(_in_order(file.read_row_group(chunk, columns=needed)), schema, there)


def _read(
    file_chunks: tuple[Place, range | None],
    schema: pa.Schema,
    where: tuple[str, object] | None,
    rows: int,
    above: tuple[str, int] | None,
    *,
    holding: tuple[str, str] | None,
) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc

    path, chunks = file_chunks
    with _damage_as_invalid(), parquet_file(path) as file:
        there = set(file.schema_arrow.names)
        needed = {*schema.names, ORDER, *(asked[0] for asked in (where, above, holding) if asked)} & there
        for group in range(file.num_row_groups) if chunks is None else chunks:
            if above is not None and not _may_be_above(file, group, above):
                continue
            if holding is not None and not _holds(file, group, holding):
                continue
            found = _in_order(file.read_row_group(group, columns=sorted(needed)))
            if where is not None:
                found = found.filter(pc.equal(found.column(where[0]), pa.scalar(where[1])))
            if above is not None:
                found = found.filter(pc.greater(found.column(above[0]), pa.scalar(above[1])))
            if holding is not None:
                found = found.filter(pc.match_substring(found.column(holding[0]), holding[1]))
            chunk = _fitted(found, schema, there)
            for start in range(0, len(chunk), rows):
                yield chunk.slice(start, rows)


def _holds(file: Any, group: int, holding: tuple[str, str]) -> bool:
    """Whether a chunk has a row whose text holds another; of the chunk nothing else is read for that."""
    import pyarrow.compute as pc

    texts = file.read_row_group(group, columns=[holding[0]]).column(0)
    return bool(pc.any(pc.match_substring(texts, holding[1])).as_py())


def _fitted(found: pa.Table, schema: pa.Schema, there: Collection[str]) -> pa.Table:
    """The columns of `schema` of rows of a file that has those that are `there`; else they are null."""
    import pyarrow as pa

    made = [
        found.column(entry.name).cast(entry.type) if entry.name in there else pa.nulls(len(found), entry.type)
        for entry in schema
    ]
    return pa.table(made, schema=schema)


def _may_be_above(file: Any, group: int, above: tuple[str, int]) -> bool:
    """Whether a chunk may hold a row in which a whole number is larger, by what its file says of it."""
    place = file.schema_arrow.names.index(above[0])
    known = file.metadata.row_group(group).column(place).statistics
    return known is None or not known.has_min_max or known.max > above[1]


@contextmanager
def _damage_as_invalid() -> Iterator[None]:
    """Arrow says of bytes that are no Parquet what it says of a disk that fails, but without a number: ArrowInvalid."""
    import pyarrow as pa

    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise pa.ArrowInvalid(str(error)) from None


def _in_order(table: pa.Table) -> pa.Table:
    """A chunk by the numbers of its rows: other writers of Delta do not keep the order within a file."""
    if ORDER not in table.column_names:
        return table
    numbers = table.column(ORDER).to_numpy()
    return table if bool((numbers[1:] > numbers[:-1]).all()) else table.take(numbers.argsort())
