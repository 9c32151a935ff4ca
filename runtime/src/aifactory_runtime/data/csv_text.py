"""Tables in text files: what separates, what stands before decimals and how letters are written is found out."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_names
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

Opener = Callable[[], IO[bytes]]

_SEPARATORS = (",", ";", "\t", "|")
_HEAD_BYTES = 1 << 18
_SCAN_BYTES = 1 << 22
_BLOCK_BYTES = 1 << 21
"""The longest row, too. Larger blocks are no faster, and several are held."""
_HEAD_ROWS = 500
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_POINT = re.compile(r"\s*[+-]?\d*\.\d+\s*")
_DOTTED = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")
_SLASHES = re.compile(r"\s*(\d{1,2})/(\d{1,2})/\d{4}(?: (\d{1,2}:\d{2})(:\d{2})?)?\s*")


def detect(name: str, opener: Opener) -> ReadSettings:
    """How the text file is to be read; FactoryError when it is empty or no text. `name` is for messages."""
    encoding = _encoding(name, opener)
    rows, separator = _rows(name, _head(opener, encoding))
    cells = [cell for row in rows[1:] for cell in row]
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in cells)
    points = sum(bool(_POINT.fullmatch(cell)) for cell in cells)
    return ReadSettings(
        format="csv",
        separator=separator,
        decimal="," if commas > points and separator != "," else ".",
        encoding=encoding,
        dates=_date_formats(cells),
    )


def batches(
    name: str, opener: Opener, read: ReadSettings, kinds: Mapping[str, str], without: Collection[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Rows as the file has them: columns in `kinds` as their kind, others as texts; those in `without` are left out.

    FactoryError in one line, without a value, for rows that do not fit the header or a kind.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = header(name, opener, read)
    # Dates come as texts: Arrow's reader takes no two formats that differ by a zone.
    types = {column: pa.string() if kinds.get(column) == "date" else _type(kinds.get(column)) for column in names}
    with opener() as stream, _one_line(name, names, kinds):
        reader = arrow.open_csv(
            stream,
            arrow.ReadOptions(
                encoding=read.encoding, block_size=_BLOCK_BYTES, column_names=names, skip_rows_after_names=1
            ),
            arrow.ParseOptions(delimiter=read.separator, newlines_in_values=True),
            arrow.ConvertOptions(
                column_types=types,
                # The last column is read all the same: it tells whether a quote is never closed.
                include_columns=[*(column for column in names[:-1] if column not in without), names[-1]],
                null_values=[space + word for word in kinds_of.MISSING for space in ("", " ")],
                true_values=list(kinds_of.TRUE),
                false_values=list(kinds_of.FALSE),
                strings_can_be_null=False,
                decimal_point=read.decimal,
            ),
        )
        last = None
        for batch in reader:
            if batch.num_rows:
                last = batch
                wanted = batch.drop_columns([names[-1]]) if names[-1] in without else batch
                yield _finished(name, wanted, kinds, read.dates)
        _check_end(name, last)


def header(name: str, opener: Opener, read: ReadSettings) -> list[str]:
    """Names of the columns, each of its own; see `column_names.unique`."""
    rows = _parse(_head(opener, read.encoding), read.separator)
    if not rows:
        raise FactoryError(f"{name} is empty: put the data there, then run again")
    return column_names.unique(name, rows[0])


def _type(kind: str | None) -> Any:
    return kinds_of.arrow_type(kind or "text")


def _encoding(name: str, opener: Opener) -> str:
    """UTF-16 by its mark or its zeros, else UTF-8 if all of the file is, else what Windows writes."""
    with opener() as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if not head.strip():
        raise FactoryError(f"{name} is empty: put the data there, then run again")
    zeros = head.count(0)
    if zeros:
        halves = {"utf-16-le": head[1::2].count(0), "utf-16-be": head[::2].count(0)}
        likely = max(halves, key=lambda encoding: halves[encoding])
        if halves[likely] < zeros or zeros < len(head) // 4:
            raise FactoryError(f"{name} is not a CSV table: it holds bytes that no text has; is it another format?")
        return likely
    return next((encoding for encoding in ("utf-8", "cp1252") if _decodes(opener, encoding)), "latin-1")


def _decodes(opener: Opener, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with opener() as stream:
        try:
            while part := stream.read(_SCAN_BYTES):
                if not part.isascii() or decoder.getstate()[0]:  # a letter may be cut in two between parts
                    decoder.decode(part)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _head(opener: Opener, encoding: str) -> str:
    """The first lines as text; a line that is cut off is left out."""
    with opener() as stream:
        raw = stream.read(_HEAD_BYTES)
        more = bool(stream.read(1))
    text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="ignore")
    return text.rpartition("\n")[0] if more and "\n" in text else text


def _rows(name: str, text: str) -> tuple[list[list[str]], str]:
    """The first rows, split by what gives most rows the same number of cells, more than one if possible."""
    found = []
    for place, separator in enumerate(_SEPARATORS):
        rows = _parse(text, separator)
        if not rows:
            raise FactoryError(f"{name} is empty: put the data there, then run again")
        width, often = Counter(len(row) for row in rows).most_common(1)[0]
        found.append((width > 1, often / len(rows), width, -place, rows, separator))
    *_, rows, separator = max(found, key=lambda one: one[:4])
    return rows, separator


def _parse(text: str, separator: str) -> list[list[str]]:
    """Rows that are not blank, at most as many as tell how the file is written."""
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) >= _HEAD_ROWS:
                break
    except csv.Error:
        pass  # a cell of more than 128 KiB; what came before tells enough
    return rows


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


def _finished(name: str, batch: pa.RecordBatch, kinds: Mapping[str, str], formats: tuple[str, ...]) -> pa.RecordBatch:
    """Dates parsed; texts without surrounding space, and none where nothing is written."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for column, values in zip(batch.schema.names, batch.columns, strict=True):
        made = values
        if kinds.get(column) == "date":
            try:
                made = kinds_of.to_kind(values, "date", formats)
            except kinds_of.Unfit as problem:
                raise FactoryError(f"{name}: column {column} {problem}; mend it, or change schema.py") from None
        elif pa.types.is_string(values.type):
            trimmed = pc.utf8_trim_whitespace(values)
            made = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        columns.append(made)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _check_end(name: str, last: pa.RecordBatch | None) -> None:
    """A quote that is never closed swallows the rest of the file, its last line break included."""
    import pyarrow as pa

    if last is None or not pa.types.is_string(last.columns[-1].type):
        return
    if str(last.columns[-1][-1].as_py()).endswith("\n"):
        raise FactoryError(f"{name} is not a CSV table: a quote is never closed; is the file cut off?")


@contextmanager
def _one_line(name: str, names: list[str], kinds: Mapping[str, str]) -> Iterator[None]:
    """Arrow's messages without the values that they repeat."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowInvalid as error:
        raise FactoryError(_sentence(name, str(error), names, kinds)) from None
    except UnicodeDecodeError as error:
        raise FactoryError(f"{name} is not text in {error.encoding}: conf says so at data.read.encoding") from None


def _sentence(name: str, message: str, names: list[str], kinds: Mapping[str, str]) -> str:
    if found := re.search(r"In CSV column #(\d+)", message):
        column = names[int(found[1])]
        wanted = kinds.get(column, "text")
        return f"{name}: column {column} holds values that are no {wanted}; mend it, or change schema.py"
    if found := re.search(r"Expected (\d+) columns, got (\d+)", message):
        return f"{name} is not a CSV table: a row has {found[2]} values where the header has {found[1]}; mend the file"
    if "straddling" in message:
        return f"{name} is not a CSV table: a row is longer than {_BLOCK_BYTES >> 20} MiB; is a quote never closed?"
    return f"{name} is not a CSV table: mend the file, then run again"
