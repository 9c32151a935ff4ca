"""Reads the files that make a table, in the order of their names: Parquet, text or JSON lines, one or a folder."""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_names, csv_layout, csv_text, folders, json_lines, pieces, stored_columns
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.parts_union import Union
from aifactory_runtime.data.pieces import Piece, Split, Wanted
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Files:
    """Reads the files of a table, as `split` finds them; see `pieces.Reader`."""

    located: Located
    read: ReadSettings
    wanted: Wanted
    union: Union | None

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """Rows of a piece: columns by name, as their kind or as stored (texts of text files); see `source.batches`."""
        part = self._part(piece)
        for batch in part.batches(piece, notes):
            if self.union is None:
                yield batch
                continue
            found = dict(zip(batch.schema.names, batch.columns, strict=True))
            yield self.union.fitted(folders.shown(part.below), part.with_said(found, batch.num_rows), batch.num_rows)

    def count(self, piece: Piece) -> int:
        """See `pieces.Reader`."""
        return self._part(piece).count() if piece.rows is None else piece.rows

    def _part(self, piece: Piece) -> _Part:
        return _Part(self.located, piece.place[0], self.read, self.wanted)


def split(located: Located, read: ReadSettings, wanted: Wanted) -> Split:
    """The table's files, large ones of Parquet in several pieces. FactoryError names the one that does not fit.

    A column that some files lack is null in them; so is told.
    """
    files = located.files()
    readers = [_Part(located, below, read, wanted) for below in files]
    several = len(files) > 1 or readers[0].said
    union = _together(located, readers, wanted.kinds) if several else None
    found = tuple(piece for part in readers for piece in part.pieces())
    one_text = len(found) == 1 and found[0].rows is None
    columns = len(readers[0].columns()) if found[0].rows is not None else 1
    return Split(Files(located, read, wanted, union), found, columns, "it is one text file" if one_text else "")


def _together(located: Located, readers: list[_Part], kinds: Mapping[str, str]) -> Union:
    """The columns of all files."""
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
    for below, missing in union.lacking([part.below for part in readers]):
        _log.warning(
            "%s lacks %s, which %s has: missing in its rows",
            located.part(below), ", ".join(missing), union.first_with(missing[0]),
        )  # fmt: skip
    return union.whole()


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
    wanted: Wanted

    @property
    def kinds(self) -> Mapping[str, str]:
        """Kinds of declared columns."""
        return self.wanted.kinds

    @property
    def without(self) -> Collection[str]:
        """Columns that are left out."""
        return self.wanted.without

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

    @functools.cached_property
    def footer(self) -> tuple[pa.Schema, list[int]]:
        """Columns, and the rows of each chunk, of a Parquet file."""
        from pyarrow import parquet

        with self.located.open(self.below) as stream:
            file = parquet.ParquetFile(stream)
            chunks = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
            return file.schema_arrow, chunks

    def pieces(self) -> list[Piece]:
        """Chunks of a Parquet file, one at least; else the whole of it."""
        if self.format != "parquet":
            return [Piece((self.below, None), None)]
        schema, chunks = self.footer
        found = pieces.chunks(chunks, len(schema)) or [(range(0), 0, 0)]
        return [Piece((self.below, which), rows, before) for which, rows, before in found]

    def count(self) -> int:
        """Rows of a file whose footer does not say it."""
        if self.format == "jsonl":
            return json_lines.count_rows(self.opened)
        return csv_text.count_rows(self.name, self.opened, self.read)

    def columns(self) -> dict[str, Any]:
        """The plain type of each column, None where it has no value."""
        import pyarrow as pa

        found: dict[str, Any] = {}
        if self.format == "parquet":
            schema, _ = self.footer
            for column, kind in zip(column_names.unique(self.name, schema.names), schema.types, strict=True):
                if stored_columns.is_read(column, self.kinds, self.without):
                    plain = stored_columns.plain(self.name, column, pa.nulls(0, kind), {}).type
                    found[column] = None if pa.types.is_null(kind) else pa.uint64() if _of_digits(kind) else plain
        elif self.format == "jsonl":
            found = dict.fromkeys(json_lines.columns(self.name, self.opened).values(), pa.string())
        else:
            found = dict.fromkeys(csv_layout.header(self.name, self.opened, self.read).names, pa.string())
        found = {column: kind for column, kind in found.items() if column not in self.without}
        return {**found, **{column: pa.string() for column in self.said if column not in found}}

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """Its rows, or those of a piece of it, without what the folders say."""
        if self.format == "jsonl":
            yield from json_lines.batches(self.name, self.opened, self.kinds, self.wanted.rows, self.without)
        elif self.format == "csv":
            yield from csv_text.batches(self.name, self.opened, self.read, self.kinds, self.without, notes=notes)
        else:
            from pyarrow import parquet

            which = list(piece.place[1])
            with self.located.open(self.below) as stream:
                stored = parquet.ParquetFile(stream).iter_batches(batch_size=self.wanted.rows, row_groups=which)
                yield from stored_columns.batches(self.name, stored, self.wanted, notes, piece.before)

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
