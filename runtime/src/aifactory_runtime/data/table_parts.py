"""Reads the files that make a table, in the order of their names: Parquet, text or JSON lines, one or a folder."""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_names, csv_layout, csv_text, folders, json_lines, stored_columns
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.parts_union import Union
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)


def batches(
    located: Located, read: ReadSettings, kinds: Mapping[str, str], rows: int, without: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Rows of all files: columns by name, as their kind or as stored (texts of text files); see `source.batches`.

    A column that some files lack is null in them; so is told. FactoryError names the file that does not fit.
    """
    files = located.files()
    readers = [_Part(located, below, read, kinds, rows, without) for below in files]
    if len(files) == 1 and not readers[0].said:
        yield from readers[0].batches()
        return
    formats = {part.format: part.below for part in readers}
    if len(formats) > 1:
        files_of = " and ".join(map(folders.shown, formats.values()))
        raise FactoryError(f"{located.name} holds several formats, in {files_of}: name one table")
    union = Union(located.name, kinds)
    for part in readers:
        columns = part.columns()
        own = set(columns) - set(part.said)
        if own.isdisjoint(union.names) and union.names:
            raise FactoryError(_stranger(part, readers[0]))
        union.add(folders.shown(part.below), columns)
    for below, missing in union.lacking(files):
        _log.warning(
            "%s lacks %s, which %s has: missing in its rows",
            located.part(below), ", ".join(missing), union.first_with(missing[0]),
        )  # fmt: skip
    for part in readers:
        for batch in part.batches():
            found = dict(zip(batch.schema.names, batch.columns, strict=True))
            yield union.fitted(folders.shown(part.below), part.with_said(found, batch.num_rows), batch.num_rows)


def _stranger(part: _Part, first: _Part) -> str:
    """What is wrong with a file that shares no column with the first one, both named."""
    if "csv" == part.format == first.format:
        for other, one in ((part, first), (first, part)):
            if sign := csv_layout.other_separator(other.opened, other.read, one.columns()):
                return (
                    f"{other.name} separates its cells by {sign!r}, {one.name} by {one.read.separator!r}: "
                    "write all parts alike"
                )
    return f"{part.name} has no column of {first.name}: put its header above it if that is missing, else name one table"


@dataclass(frozen=True)
class _Part:
    """One file, as its format is read."""

    located: Located
    below: str
    read: ReadSettings
    kinds: Mapping[str, str]
    rows: int
    without: Collection[str]

    @property
    def name(self) -> str:
        """For messages."""
        return self.located.part(self.below)

    @property
    def said(self) -> dict[str, str | None]:
        """Columns that the names of its folders say, as texts."""
        return {column: text for column, text in folders.values(self.below).items() if column not in self.without}

    @functools.cached_property
    def format(self) -> str:
        """As its first bytes have it."""
        return self.located.format_of(self.below)

    def columns(self) -> dict[str, Any]:
        """The plain type of each column, None where it has no value."""
        import pyarrow as pa

        found: dict[str, Any] = {}
        if self.format == "parquet":
            from pyarrow import parquet

            with self.located.open(self.below) as stream:
                schema = parquet.ParquetFile(stream).schema_arrow
            for column, kind in zip(column_names.unique(self.name, schema.names), schema.types, strict=True):
                if stored_columns.wanted(column, self.kinds, self.without):
                    plain = stored_columns.plain(self.name, column, pa.nulls(0, kind), {}).type
                    found[column] = None if pa.types.is_null(kind) else pa.uint64() if _of_digits(kind) else plain
        elif self.format == "jsonl":
            found = dict.fromkeys(json_lines.columns(self.name, self.opened).values(), pa.string())
        else:
            found = dict.fromkeys(csv_layout.header(self.name, self.opened, self.read).names, pa.string())
        found = {column: kind for column, kind in found.items() if column not in self.without}
        return {**found, **{column: pa.string() for column in self.said if column not in found}}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Its rows, without what the folders say."""
        if self.format == "jsonl":
            yield from json_lines.batches(self.name, self.opened, self.kinds, self.rows, self.without)
        elif self.format == "csv":
            yield from csv_text.batches(self.name, self.opened, self.read, self.kinds, self.without)
        else:
            from pyarrow import parquet

            with self.located.open(self.below) as stream:
                stored = parquet.ParquetFile(stream).iter_batches(batch_size=self.rows)
                yield from stored_columns.batches(self.name, stored, self.kinds, self.without)

    def with_said(self, found: Mapping[str, Any], rows: int) -> dict[str, Any]:
        """The columns of a batch of the file, and those that its folders say; both must agree where both have one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        made = dict(found)
        for column, text in self.said.items():
            kind = {column: self.kinds[column]} if column in self.kinds else {}
            one = stored_columns.plain(self.name, column, pa.array([text], pa.string()), kind)
            if column not in found:
                made[column] = pa.repeat(one[0], rows)
                continue
            same = pc.equal(found[column], _as(one, found[column].type)[0])
            if not (pc.all(same).as_py() or rows == 0):
                raise FactoryError(
                    f"{self.name}: column {column} has other values than the folder's name says: keep one of the two"
                )
        return made

    def opened(self) -> Any:
        """The file for reading, unpacked."""
        return self.located.unpacked(self.below)


def _of_digits(kind: pa.DataType) -> bool:
    """Whether whole numbers of this type are read as texts of their digits; see `kinds.plain`."""
    import pyarrow as pa

    return bool(kind == pa.uint64() or (pa.types.is_decimal(kind) and kind.scale == 0))


def _as(one: pa.Array, kind: pa.DataType) -> pa.Array:
    """A text of a folder's name in the type of the file's column, null when it has none there."""
    import pyarrow as pa

    wanted = {"double": "number", "int64": "integer", "bool": "boolean", "timestamp[us]": "date"}.get(str(kind))
    try:
        return one if wanted is None else kinds_of.to_kind(one, wanted)
    except kinds_of.Unfit:
        return pa.nulls(1, kind)
