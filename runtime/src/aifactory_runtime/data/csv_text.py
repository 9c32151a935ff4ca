"""Tables in text files: what separates, what stands before decimals and how letters are written is found out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import (
    cell_reading,
    column_reading,
    csv_layout,
    csv_quotes,
    sum_rows,
    text_bytes,
    text_encoding,
)
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.text_encoding import Opener
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_BYTES = 1 << 21
"""The longest row, too. Larger blocks are no faster, and several are held."""
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_POINT = re.compile(r"\s*[+-]?\d*\.\d+\s*")
_DOTTED = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")
_SLASHES = re.compile(r"\s*(\d{1,2})/(\d{1,2})/\d{4}(?: (\d{1,2}:\d{2})(:\d{2})?)?\s*")


def detect(name: str, opener: Opener, encoding: str | None = None) -> ReadSettings:
    """How the text file is to be read; FactoryError when it is empty or no text. `name` is for messages.

    `encoding` is found out when it is None; UsageProblem when the file is not written in it.
    """
    if encoding is None:
        encoding = text_encoding.find(name, opener)
    else:
        text_encoding.check(name, opener, encoding)
    read, rows = csv_layout.detect(name, opener, encoding)
    cells = [cell for row in rows[1:] for cell in row]
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in cells)
    points = sum(bool(_POINT.fullmatch(cell)) for cell in cells)
    decimal = "," if commas > points and read.separator != "," else "."
    return read.model_copy(update={"decimal": decimal, "dates": _date_formats(cells)})


def batches(
    name: str,
    opener: Opener,
    read: ReadSettings,
    kinds: Mapping[str, str],
    without: Collection[str] = (),
    *,
    notes: Notes | None = None,
) -> Iterator[pa.RecordBatch]:
    """Rows as the file has them: columns in `kinds` as their kind, others as texts; those in `without` are left out.

    FactoryError in one line, without a value, for rows that do not fit the header or a kind. `notes` get columns in
    which cells were taken for missing because conf says so.
    """
    csv_quotes.check(name, opener, read)
    header = csv_layout.header(name, opener, read)
    file = _File(name, opener, read, header)
    # Arrow parses what is written plainly; dates come as texts, as it takes no two formats that differ by a zone.
    own = {column for column in kinds if column in read.columns or kinds[column] == "date"}
    cells = _Cells(name, read, {column: kind for column, kind in kinds.items() if column not in without}, notes)
    with file.one_line(kinds):
        last = None
        for batch in file.batches({column: kind for column, kind in kinds.items() if column not in own}, without):
            if batch.num_rows:
                last = batch
                wanted = batch.drop_columns([header.names[-1]]) if header.names[-1] in without else batch
                yield cells.finished(wanted)
        _check_end(name, last)
        if last is not None and cells.rows > sum_rows.LEAST_ABOVE:
            _check_sums(name, file, last)


def count_rows(name: str, opener: Opener, read: ReadSettings) -> int:
    """How many rows `batches` has, if all of them fit; FactoryError for those that do not fit the header."""
    csv_quotes.check(name, opener, read)
    header = csv_layout.header(name, opener, read)
    file = _File(name, opener, read, header)
    with file.one_line({}):
        return sum(batch.num_rows for batch in file.batches({}, file.all_but(header.names[-1])))


def _date_formats(cells: list[str]) -> tuple[str, ...]:
    """Formats of dates that are not ISO 8601. 3/4/2026 is the fourth of March unless a first number passes 12."""
    formats = []
    slashed = [match for cell in cells if (match := _SLASHES.fullmatch(cell))]
    if slashed:
        order = "%d/%m/%Y" if any(int(match[1]) > 12 for match in slashed) else "%m/%d/%Y"  # noqa: PLR2004 - months
        formats += [order + " %H:%M:%S", order + " %H:%M", order]
    if any(re.fullmatch(r"\s*\d{1,2}\.\d{1,2}\.\d{4}( .*)?", cell) for cell in cells):
        formats += _DOTTED
    return tuple(formats)


class _Cells:
    """Makes values of the cells that Arrow leaves as texts, and says which are none, or were taken for missing."""

    def __init__(self, name: str, read: ReadSettings, kinds: Mapping[str, str], notes: Notes | None) -> None:
        self._name, self._read, self._kinds = name, read, kinds
        self.rows = 0
        """Rows so far."""
        self._notes = notes or Notes()

    def finished(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with its kinds; texts without surrounding space, and none where nothing is written."""
        import pyarrow as pa

        if not self._kinds:
            self._refuse_header(batch)
        columns = []
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            made = values
            if column in self._kinds and column in self._read.columns:
                made = self._by_rule(column, values)
            elif self._kinds.get(column) == "date":
                try:
                    made = kinds_of.to_kind(values, "date", self._read.dates)
                except kinds_of.Unfit:
                    raise self._unfit(column, values, first_unfit(values, column, "date", self._read)) from None
            elif pa.types.is_string(values.type):
                made = text_bytes.trimmed(values)
            columns.append(made)
        self.rows += batch.num_rows
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def _refuse_header(self, batch: pa.RecordBatch) -> None:
        """FactoryError when a row is the header once more, as in files that were joined; all columns are texts."""
        import pyarrow as pa
        import pyarrow.compute as pc

        same = pa.scalar(True)
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            same = pc.and_(same, pc.equal(pc.utf8_trim_whitespace(values), column))
            if not pc.any(same).as_py():
                return
        row = self.rows + same.index(True).as_py() + 1
        raise FactoryError(f"{self._name}: row {row} under the header is the header once more: take it out")

    def _by_rule(self, column: str, values: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        kind = self._kinds[column]
        found = column_reading.typed(values, kind, self._read.columns[column], self._read.decimal)
        if pc.any(found.odd).as_py():
            raise self._unfit(column, values, found.odd.index(True).as_py())
        if count := pc.sum(found.taken).as_py():
            sentence = f"{self._name}: cells of {column} that are taken for missing, as data.read.columns says"
            self._notes.count(sentence, count, self.rows + found.taken.index(True).as_py() + 1)
        return found.values

    def _unfit(self, column: str, values: pa.Array, place: int | None) -> FactoryError:
        row = None if place is None else self.rows + place + 1
        cell = "" if place is None else str(values[place].as_py())
        return FactoryError(unfit(self._name, column, self._kinds[column], row, cell))


def unfit(name: str, column: str, kind: str, row: int | None, cell: str = "") -> str:
    """The line that says where a column holds what it may not; `row` counts from 1 under the header.

    A `cell` there that says that its row adds up others is named, no other.
    """
    if sum_rows.is_sum(cell):
        word = sum_rows.word(cell)
        return f"{name}: row {row} under the header holds the word {word}: if it sums up the others, take it out"
    where = f", the first in row {row} under the header" if row else ""
    return (
        f"{name}: column {column} holds values that are no {kind}{where}; mend it, name what stands for a missing "
        "value in data.read.columns, or change schema.py"
    )


def first_unfit(texts: Any, column: str, kind: str, read: ReadSettings) -> int | None:
    """The place of the first cell that is no value of its kind; None when each is one."""
    for place, text in enumerate(texts.to_pylist()):
        try:
            cell_reading.value(text or "", kind, read, column)
        except kinds_of.Unfit:
            return place
    return None


def _check_end(name: str, last: pa.RecordBatch | None) -> None:
    """A quote that is never closed swallows the rest of the file, its last line break included."""
    import pyarrow as pa

    if last is None or not pa.types.is_string(last.columns[-1].type):
        return
    if str(last.columns[-1][-1].as_py()).endswith("\n"):
        raise FactoryError(f"{name} is not a CSV table: a quote is never closed; is the file cut off?")


def _check_sums(name: str, file: _File, last: pa.RecordBatch) -> None:
    """FactoryError when a word in one of the last rows says that it sums up others; the file is read again for that."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for column, values in zip(last.schema.names, last.columns, strict=True):
        cells = values[-sum_rows.LAST :].to_pylist()[::-1] if pa.types.is_string(values.type) else []
        for below, cell in enumerate(cells):
            if cell is None or not sum_rows.is_sum(cell):
                continue
            found, often = sum_rows.word(cell), 0
            for batch in file.batches({}, file.all_but(column)):
                likely = batch.column(column).filter(pc.match_substring(batch.column(column), found, ignore_case=True))
                often += sum(sum_rows.word(one) == found for one in likely.to_pylist())
            if often == 1:
                raise FactoryError(f"{name}: {sum_rows.sentence(found, below)}")


class _File:
    """A text table that Arrow reads, and what is said of rows and cells that do not fit."""

    def __init__(self, name: str, opener: Opener, read: ReadSettings, header: csv_layout.Header) -> None:
        self._name, self._opener, self._read, self._header = name, opener, read, header
        self._spare = read.footer_rows and csv_layout.short_rows_at_end(opener, read, len(header.names))

    def batches(self, kinds: Mapping[str, str], without: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """Columns as their kinds, others as texts, as Arrow converts them."""
        import pyarrow as pa
        from pyarrow import csv as arrow

        names = self._header.names
        with self._opener() as stream:
            yield from arrow.open_csv(
                stream,
                arrow.ReadOptions(
                    encoding=self._read.encoding,
                    block_size=_BLOCK_BYTES,
                    column_names=names,
                    skip_rows=self._header.before,
                    skip_rows_after_names=1,
                ),
                arrow.ParseOptions(
                    delimiter=self._read.separator, newlines_in_values=True, invalid_row_handler=self._short
                ),
                arrow.ConvertOptions(
                    column_types={
                        name: kinds_of.arrow_type(kinds[name]) if name in kinds else pa.string() for name in names
                    },
                    # The last column is read all the same: it tells whether a quote is never closed.
                    include_columns=[*(column for column in names[:-1] if column not in without), names[-1]],
                    null_values=[space + word for word in kinds_of.MISSING for space in ("", " ")],
                    true_values=list(kinds_of.TRUE),
                    false_values=list(kinds_of.FALSE),
                    strings_can_be_null=False,
                    decimal_point=self._read.decimal,
                ),
            )

    def all_but(self, column: str) -> list[str]:
        """The names of its other columns."""
        return [name for name in self._header.names if name != column]

    @contextmanager
    def one_line(self, kinds: Mapping[str, str]) -> Iterator[None]:
        """Arrow's messages without the values that they repeat."""
        import pyarrow as pa

        try:
            yield
        except pa.ArrowInvalid as error:
            raise FactoryError(self._sentence(str(error), kinds)) from None
        except UnicodeDecodeError as error:
            raise FactoryError(
                f"{self._name} is not text in {error.encoding}: conf says so at data.read.encoding"
            ) from None

    def _short(self, row: Any) -> str:
        """Rows below the table are passed over, as many as stand at its end; any other ends the reading."""
        if row.actual_columns >= row.expected_columns or not self._spare:
            return "error"
        self._spare -= 1
        return "skip"

    def _sentence(self, message: str, kinds: Mapping[str, str]) -> str:
        name, names = self._name, self._header.names
        if found := re.search(r"In CSV column #(\d+)", message):
            column = names[int(found[1])]
            wanted = kinds.get(column, "text")
            return unfit(name, column, wanted, *self._first_unfit(column, wanted))
        if found := re.search(r"Expected (\d+) columns, got (\d+)", message):
            if title := csv_layout.title(self._opener, self._read, self._header):
                return f"{name} is not a CSV table: {title}"
            return (
                f"{name} is not a CSV table: a row{self._line()} has {found[2]} values where the header has "
                f"{found[1]}; mend the file"
            )
        if "straddling" in message:
            with self._opener() as stream:
                small = len(stream.read(_BLOCK_BYTES)) < _BLOCK_BYTES
            if small:
                return f"{name} has no rows: put the data there, then run again"
            return f"{name} is not a CSV table: a row is longer than {_BLOCK_BYTES >> 20} MiB; is a quote never closed?"
        return f"{name} is not a CSV table: mend the file, then run again"

    def _first_unfit(self, column: str, kind: str) -> tuple[int | None, str]:
        """Row and text of the first cell of a column that is not of its kind: the file is read again for that."""
        rows = 0
        for batch in _File(self._name, self._opener, self._read, self._header).batches({}):
            cells = batch.column(column)
            place = first_unfit(cells, column, kind, self._read)
            if place is not None:
                return rows + place + 1, str(cells[place].as_py())
            rows += batch.num_rows
        return None, ""

    def _line(self) -> str:
        """Where the first row is that has too many or too few cells: the file is read again for that."""
        line = csv_layout.line_of_unfit_row(self._opener, self._read, self._header)
        return f" (line {line})" if line else ""
