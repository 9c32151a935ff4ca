"""Parquet files of a Delta table: written in order chunk by chunk, committed at once, read back in that order."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import column_names

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

ORDER = column_names.ORDER

CHUNK_BYTES = 32 << 20
"""What one chunk of a table may hold, counting 8 bytes a value: the bound of what reads and writes tables."""
_FEWEST, _MOST = 1_024, 262_144


def chunk_rows(columns: int) -> int:
    """Rows of a chunk of a table with so many columns."""
    return max(_FEWEST, min(_MOST, CHUNK_BYTES // (8 * max(columns, 1))))


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of any size, put together until they make half a chunk: what is made of one is held beside the next."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        if held >= chunk_rows(batch.num_columns) // 2:
            yield pa.concat_batches(waiting)
            waiting, held = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


@dataclass
class _Part:
    """One file that is being written; `waiting` holds rows until they make a chunk."""

    path: Path
    first: int
    writer: Any = None
    waiting: list[Any] = field(default_factory=list)
    held: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Stored:
    """One file of a version as its commit describes it; `only` holds the columns that have one value in all rows."""

    path: str
    rows: int
    first: int
    only: Mapping[str, Any]
    chunks: range | None = None
    """Which of its chunks are meant; all for None."""


class Writer:
    """Writes one file for each value of the column `by` (one file for None), each in the order given.

    `starts` says which number the first row of each file gets in the column that keeps the order. Files are written
    aside and moved to the table when they are whole; what a killed writer left aside goes when the next one begins.
    With `long_texts` each batch is a chunk of its own, as 8 bytes a value would not bound it, and is packed tightly.
    """

    def __init__(
        self, folder: Path, starts: Mapping[str, int], by: str | None = None, *, long_texts: bool = False
    ) -> None:
        self._folder = folder
        self._aside = folder / "_writing"
        self._starts = starts
        self._by = by
        self._long_texts = long_texts
        self._parts: dict[str, _Part] = {}
        shutil.rmtree(self._aside, ignore_errors=True)

    def add(self, batch: pa.RecordBatch, value: str = "") -> None:
        """Add rows to the file for `value`, behind those that are there."""
        part = self._parts.get(value)
        if part is None:
            path = self._aside / f"part-{len(self._parts):05d}-{uuid.uuid4()}.parquet"
            part = self._parts[value] = _Part(path, self._starts[value])
        part.waiting.append(batch)
        part.held += batch.num_rows
        if self._long_texts or part.held >= chunk_rows(batch.num_columns):
            self._flush(part)

    def close(self) -> list[Any]:
        """Finish all files; the actions that add them to the table."""
        from deltalake.transaction import AddAction

        actions = []
        for value, part in self._parts.items():
            self._flush(part)
            part.writer.close()
            part.path = part.path.rename(self._folder / part.path.name)
            least, most = {ORDER: part.first}, {ORDER: part.first + part.rows - 1}
            same = {} if self._by is None else {self._by: value}
            facts = {"numRecords": part.rows, "minValues": least | same, "maxValues": most | same, "nullCount": {}}
            about = part.path.stat()
            changed = about.st_mtime_ns // 1_000_000
            actions.append(AddAction(part.path.name, about.st_size, {}, changed, True, json.dumps(facts)))
        with suppress(OSError):
            self._aside.rmdir()
        return actions

    def discard(self, committed: Collection[str]) -> None:
        """Remove every file that was written, but those that a commit names."""
        for part in self._parts.values():
            with suppress(OSError):
                if part.writer is not None:
                    part.writer.close()
            if part.path.name not in committed:
                with suppress(OSError):
                    part.path.unlink()
        for folder in (self._aside, self._folder):
            with suppress(OSError):
                folder.rmdir()  # one that holds other files stays

    @property
    def schema(self) -> pa.Schema:
        """Columns of the files, once they are closed."""
        return next(part.writer.schema for part in self._parts.values())

    @property
    def rows(self) -> int:
        """Rows of all files, once they are closed."""
        return sum(part.rows for part in self._parts.values())

    def _flush(self, part: _Part) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        if not part.waiting:
            return
        table = pa.Table.from_batches(part.waiting).combine_chunks()
        part.waiting, part.held = [], 0
        start = part.first + part.rows
        table = table.append_column(ORDER, pa.array(np.arange(start, start + len(table))))
        if part.writer is None:
            column_names.check_case(f"table {self._folder.name}", table.column_names)
            texts = [entry.name for entry in table.schema if pa.types.is_string(entry.type)]
            self._aside.mkdir(parents=True, exist_ok=True)
            # Level 9 takes less room by 6 % or more than level 1, for 0.1 s of the processor per 20,000 predictions.
            packed = {"compression": "zstd", "compression_level": 9} if self._long_texts else {"compression": "snappy"}
            part.writer = parquet.ParquetWriter(str(part.path), table.schema, use_dictionary=texts, **packed)
        part.writer.write_table(table, row_group_size=len(table))
        part.rows += len(table)


def stored(table: DeltaTable) -> list[Stored]:
    """The files of a version that is open, in the order of their rows."""
    found = []
    listed = table.get_add_actions(flatten=True)
    columns = {name: listed.column(name).to_pylist() for name in listed.schema.names}
    for place, path in enumerate(columns["path"]):
        least = {name[4:]: values[place] for name, values in columns.items() if name.startswith("min.")}
        most = {name[4:]: values[place] for name, values in columns.items() if name.startswith("max.")}
        only = {name: value for name, value in least.items() if value is not None and most.get(name) == value}
        found.append(Stored(path, columns["num_records"][place], least.get(ORDER) or 0, only))
    return sorted(found, key=lambda file: (file.first, file.path))


def read(
    folder: Path,
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


def chunks_of(path: Path) -> list[int]:
    """How many rows each chunk of a file has."""
    from pyarrow import parquet

    with _damage_as_invalid(), parquet.ParquetFile(str(path)) as file:
        return [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]


def rows_with(path: Path, where: tuple[str, str], *, part: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of a file in which a text column has a value, or has it as a `part`.

    Chunks that cannot hold it are not read.
    """
    import pyarrow.compute as pc
    from pyarrow import parquet

    column, value = where
    with _damage_as_invalid(), parquet.ParquetFile(str(path)) as file:
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


def _read(
    file_chunks: tuple[Path, range | None],
    schema: pa.Schema,
    where: tuple[str, object] | None,
    rows: int,
    above: tuple[str, int] | None,
    *,
    holding: tuple[str, str] | None,
) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    path, chunks = file_chunks
    with _damage_as_invalid(), parquet.ParquetFile(str(path)) as file:
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
            made = [
                found.column(entry.name).cast(entry.type) if entry.name in there else pa.nulls(len(found), entry.type)
                for entry in schema
            ]
            chunk = pa.table(made, schema=schema)
            for start in range(0, len(chunk), rows):
                yield chunk.slice(start, rows)


def _holds(file: Any, group: int, holding: tuple[str, str]) -> bool:
    """Whether a chunk has a row whose text holds another; of the chunk nothing else is read for that."""
    import pyarrow.compute as pc

    texts = file.read_row_group(group, columns=[holding[0]]).column(0)
    return bool(pc.any(pc.match_substring(texts, holding[1])).as_py())


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
