"""How a text table is laid out: what separates its cells, what stands before its header, what follows its last row."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_names, text_encoding
from aifactory_runtime.data.kinds import MISSING
from aifactory_runtime.data.text_encoding import Opener
from aifactory_runtime.errors import FactoryError

SEPARATORS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""What Excel writes, and reads, in a first line."""
_HEAD_ROWS = 500
_MOST_BEFORE = 20
_MOST_BEHIND = 5
_LEAST_ROWS = 3
_PAIR = 2
_TAIL_BYTES = 1 << 16
_RULE = re.compile(r"[-=:+| ]*[-=]{3}[-=:+| ]*")
_DASHES = re.compile(r"[-=:+| ]*")
_NUMBER = re.compile(r"[\s(+\-\u2212$€£¥]*[.,]?\d")
"""What a number or a date begins with."""
_NAME = re.compile(r"[\[(]?[^\W\d_][^\d]*")
_MOSTLY = 0.9


@dataclass(frozen=True)
class Row:
    """A row that is not blank, how many lines of the file stand before it, and how many with it."""

    cells: list[str]
    before: int
    after: int


@dataclass(frozen=True)
class Header:
    """Names of the columns, each of its own, and how many lines stand before the line with the names."""

    names: list[str]
    before: int


def detect(name: str, opener: Opener, encoding: str) -> tuple[ReadSettings, list[list[str]]]:
    """Separator, lines before the header and rows behind the last one; and the first rows, for what else is asked.

    FactoryError when there is no row; `name` is for messages.
    """
    text = text_encoding.head(opener, encoding)
    separator, rows = _rows(name, text)
    place = _header_place(rows)
    width = len(rows[place].cells)
    _check_one_header(name, rows[place:])
    read = ReadSettings(encoding=encoding, separator=separator, skip_rows=rows[place].before)
    behind = short_rows_at_end(opener, read, width)
    return read.model_copy(update={"footer_rows": behind}), [row.cells for row in rows[place:]]


def header(name: str, opener: Opener, read: ReadSettings) -> Header:
    """The header as `read` says where it stands; blank lines before it are passed over. FactoryError without one."""
    lines = text_encoding.head(opener, read.encoding)
    for _ in range(read.skip_rows):
        lines = re.sub(r"\A[^\r\n]*(\r\n|\r|\n|\Z)", "", lines)
    rows = _parse(lines, read.separator)
    if not rows:
        raise FactoryError(f"{name} is empty: put the data there, then run again")
    if len(rows) > 1 and _is_rule(rows[1].cells):
        line = read.skip_rows + rows[1].before + 1
        raise FactoryError(f"{name}: line {line}, under the header, is a line of dashes: take it out")
    return Header(column_names.unique(name, rows[0].cells), read.skip_rows + rows[0].before)


def title(opener: Opener, read: ReadSettings, header: Header) -> str | None:
    """What to say when the line with the names has other cells than most below it, so it may be a title; else None."""
    lines = text_encoding.head(opener, read.encoding)
    below = [row for row in _parse(lines, read.separator) if row.before > header.before]
    if not below:
        return None
    width, often = _usual_width(below)
    if width == len(header.names) or 2 * often <= len(below):
        return None
    return (
        f"line {header.before + 1}, taken for the header, has {len(header.names)} values, most lines below it {width}; "
        "if it is a title or a comment, take it out (in a repo: data.read.skip_rows counts lines above the header), "
        "else name each column in it"
    )


def other_separator(opener: Opener, read: ReadSettings, wanted: Collection[str]) -> str | None:
    """What separates the cells of a header that has names of `wanted` only by that; None when nothing does."""
    for separator in SEPARATORS:
        told = read.model_copy(update={"separator": separator})
        if separator != read.separator and not set(header("", opener, told).names).isdisjoint(wanted):
            return separator
    return None


def short_rows_at_end(opener: Opener, read: ReadSettings, width: int) -> int:
    """How many rows at the very end are no rows of the table: a sum or a source that stands below it.

    Such a row begins with a word, fills at most half of the cells that the header has, and ends with its line. Any
    other short row may be one that was cut off.
    """
    if read.encoding.startswith(("utf-16", "utf-32")) or width == 1:
        return 0
    with opener() as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - _TAIL_BYTES))
        raw = stream.read()
    text = raw.decode(read.encoding, errors="ignore")
    rows = _parse(text, read.separator, most=0)
    if len(raw) < size:
        rows = rows[1:]
    short = 0
    for row in reversed(rows):
        if len(row.cells) >= width:
            break
        if len(row.cells) > width // 2 or not any(letter.isalpha() for letter in row.cells[0]):
            return 0
        if row.after - row.before > 1:  # a quote that is never closed makes one row of all that follows
            return 0
        short += 1
    few = short <= _MOST_BEHIND and len(rows) - short > _LEAST_ROWS
    return short if few and text.endswith(("\n", "\r")) else 0


def line_of_unfit_row(opener: Opener, read: ReadSettings, header: Header) -> int | None:
    """The line at which the first row stands that has another number of cells than the header; None without one."""
    with opener() as stream, io.TextIOWrapper(stream, read.encoding, errors="replace", newline="") as text:
        for _ in range(header.before):
            text.readline()
        reader = csv.reader(text, delimiter=read.separator)
        start = header.before + 1
        try:
            for cells in reader:
                if cells and len(cells) != len(header.names):
                    return start
                start = header.before + reader.line_num + 1
        except csv.Error:
            pass
    return None


def _rows(name: str, text: str) -> tuple[str, list[Row]]:
    """The separator that gives most rows the same number of cells, more than one if possible; and the rows by it."""
    if said := _SEP_LINE.fullmatch(text.partition("\n")[0].strip()):
        rows = _parse(text, said[1])[1:]
        if not rows:
            raise FactoryError(f"{name} is empty: put the data there, then run again")
        return said[1], rows
    found = []
    for place, separator in enumerate(SEPARATORS):
        rows = _parse(text, separator)
        if not rows:
            raise FactoryError(f"{name} is empty: put the data there, then run again")
        width, often = _usual_width(rows)
        found.append((width > 1, often / len(rows), width, -place, rows, separator))
    *_, rows, separator = max(found, key=lambda one: one[:4])
    return separator, rows


def _usual_width(rows: list[Row]) -> tuple[int, int]:
    """How many cells most rows have, and how many rows they are."""
    return Counter(len(row.cells) for row in rows).most_common(1)[0]


def _header_place(rows: list[Row]) -> int:
    """Which row is the header: the first, unless what stands above are blank rows or lines of a title.

    A line of a title has at most one cell with something in it; or other cells than the rows, or nothing in its last
    one, and a blank line below it.
    """
    width, _ = _usual_width(rows)
    place = 0
    for number, row in enumerate(rows[: min(_MOST_BEFORE, len(rows) - 1)]):
        filled = sum(bool(cell.strip()) for cell in row.cells)
        other = len(row.cells) != width
        title = filled == 0 or (filled == 1 and (other or width > _PAIR))
        block = other or not row.cells[-1].strip()
        if not (title or block):
            break
        if (title and place == number) or (block and rows[number + 1].before > row.after):
            place = number + 1
    return place


def _is_rule(cells: list[str]) -> bool:
    """Whether the cells draw a line, as programs do that print tables: `---`, `===`, `:---:`, `---+---`."""
    return any(_RULE.fullmatch(cell) for cell in cells) and all(_DASHES.fullmatch(cell) for cell in cells)


def _check_one_header(name: str, rows: list[Row]) -> None:
    """FactoryError when the row under the header is none: words in columns of numbers, as in units or a second header.

    One such column tells where the header, as a title, lacks names that the row has; else there are two at least.
    """
    header, below = rows[0], [row for row in rows[1:] if len(row.cells) == len(rows[0].cells)]
    if len(below) <= _LEAST_ROWS or below[0] is not rows[1]:
        return
    words = sum(_begins_with_name([row.cells[place] for row in below]) for place in range(len(header.cells)))
    nameless = all(cell.strip() for cell in below[0].cells) and not all(cell.strip() for cell in header.cells)
    if words >= _PAIR or (words and nameless):
        one, other = header.before + 1, below[0].before + 1
        raise FactoryError(
            f"{name}: line {other} reads like a header, too, with words above columns of numbers: keep line {one} or "
            f"line {other}; a title, units or names of groups are no part of a table"
        )


def _begins_with_name(cells: list[str]) -> bool:
    """Whether the first cell of a column is a word that is nowhere else in it, and nearly all others are numbers."""
    first, *others = (cell.strip() for cell in cells)
    there = [cell for cell in others if cell not in MISSING]
    if first in MISSING or first in there or not _NAME.fullmatch(first):
        return False
    return len(there) >= _LEAST_ROWS and sum(bool(_NUMBER.match(cell)) for cell in there) >= _MOSTLY * len(there)


def _parse(text: str, separator: str, most: int = _HEAD_ROWS) -> list[Row]:
    """Rows of at least one cell, at most `most` (0: all): as many as tell how the file is written."""
    rows: list[Row] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    before = 0
    try:
        for cells in reader:
            if cells:
                rows.append(Row(cells, before, reader.line_num))
            before = reader.line_num
            if len(rows) == most:
                break
    except csv.Error:
        pass  # a cell of more than 128 KiB; what came before tells enough
    return rows
