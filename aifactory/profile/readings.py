"""How a text table is read, said to the person whose table it is."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence

from aifactory.profile.column import ColumnScan
from aifactory.profile.scan import Table
from aifactory_runtime.data import column_names, text_encoding
from aifactory_runtime.data import kinds as kinds_of

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def notes(table: Table) -> list[str]:
    """What of the file is no row of the table, and columns that are not written plainly; no text of the table."""
    said, read = [], table.read
    if read.encoding == text_encoding.WEST:
        said.append("letters are read as Windows writes them in the West (cp1252); if that is wrong, say --encoding")
    if read.skip_rows:
        said.append(f"lines above the header that are left out: {read.skip_rows}")
    if read.footer_rows:
        said.append(f"rows below the table, with fewer cells than the header, that are left out: {read.footer_rows}")
    if table.sums:
        said.append(
            f"the last row holds the word {table.sums}: it counts as a row; if it sums up the others, take it out"
        )
    if read.format == "csv" and (named := _named_by_numbers([column.name for column in table.columns])):
        said.append(
            f"the first line is taken for the names of the columns, and {named} of them are numbers: if it is a row, "
            "put a line with names above it"
        )
    return [*said, *(note for column in table.columns for note in _of_column(column))]


def _of_column(column: ColumnScan) -> Iterator[str]:
    name = column.name
    if letters := column_names.unseen(name):
        shown = column_names.look(name)
        yield (
            f"{shown}: its name holds {', '.join(letters)}, which nobody sees: rename it, or write it so wherever you "
            "name it"
        )
    if words := _missing_words(column):
        yield (
            f"{name}: {words} cells hold a word such as NA, which is a text like others here: leave them empty if they "
            "are missing"
        )
    yield from (f"{name}: {said}" for said in (column.said, column.zones) if said)
    if column.rounded:
        yield (
            f"{name}: {column.rounded} numbers beyond 2^53 lose their last digits, the first in row "
            f"{column.first_rounded}: a model holds no more; write codes into a column of their own"
        )
    if column.infinite:
        yield f"{name}: {column.infinite} values are infinite, and are taken for missing"
    if column.taken:
        yield f"{name}: {column.taken}"


def _named_by_numbers(names: Sequence[str]) -> int:
    """How many names are numbers, where that says that the header is missing: years and places of columns rise."""
    numbers = [float(name.replace(",", ".")) for name in names if _NUMBER.fullmatch(name)]
    rise = all(one < other and other.is_integer() for one, other in itertools.pairwise([-math.inf, *numbers]))
    return 0 if rise else len(numbers)


def _missing_words(column: ColumnScan) -> int:
    """Cells of a column of texts that would be missing values in one of numbers."""
    if column.kind != "text" or not column.counts:
        return 0
    return sum(column.counts.get(word, 0) for word in kinds_of.MISSING if word.isascii() and word.strip("-.?"))
