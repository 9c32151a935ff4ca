"""Columns of texts as values, by the rules of each column; what `cell_reading` does to a cell, for Arrow arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ColumnReading
from aifactory_runtime.data import cell_reading
from aifactory_runtime.data import kinds as kinds_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Read:
    """Values of a column; `odd` are the cells that are none by the rule, `taken` those that it names as missing."""

    values: pa.Array
    odd: pa.Array
    taken: pa.Array


def typed(texts: pa.Array, kind: str, rule: ColumnReading, decimal: str) -> Read:
    """`texts` as `kind`, by a rule; a cell that is no such value is missing in the values and true in `odd`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = plain(texts, rule)
    if kind in {"text", "category"}:
        nowhere = pa.repeat(pa.scalar(False), len(cells))
        return Read(pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells), nowhere, nowhere)
    taken = pc.fill_null(_named(cells, rule), False)
    none = pa.scalar(None, pa.string())
    known = pc.if_else(pc.or_(taken, pc.is_in(cells, value_set=pa.array(kinds_of.MISSING))), none, cells)
    if kind == "boolean":
        values = _booleans(known)
    elif kind == "date":
        values = _dates(known, rule)
    else:
        values = _numbers(known, kind, rule, decimal)
    return Read(values, pc.and_(known.is_valid(), values.is_null()), taken)


def plain(texts: pa.Array, rule: ColumnReading) -> pa.Array:
    """Cells without space around them, and without the formula that keeps their digits."""
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(texts)
    if not rule.formula:
        return cells
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(cells, f"(?s){cell_reading.FORMULA}", r"\1"))


def _named(cells: pa.Array, rule: ColumnReading) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = set(rule.missing)
    if any(word.startswith(cell_reading.DIGEST) for word in words):
        words |= {cell for cell in cells.unique().to_pylist() if cell and cell_reading.is_named(cell, rule.missing)}
    return pc.is_in(cells, value_set=pa.array(sorted(words), pa.string()))


def _booleans(cells: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    yes, no = (pc.is_in(cells, value_set=pa.array(words)) for words in (kinds_of.TRUE, kinds_of.FALSE))
    return pc.if_else(pc.or_(yes, no), yes, pa.scalar(None, pa.bool_()))


def _numbers(cells: pa.Array, kind: str, rule: ColumnReading, decimal: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    fits = pc.match_substring_regex(cells, cell_reading.pattern(rule, decimal, whole=kind == "integer"))
    shown = pc.if_else(fits, cells, pa.scalar(None, pa.string()))
    if rule.unit:
        shown = pc.utf8_trim_whitespace(pc.replace_substring(shown, rule.unit, ""))
    negative = pc.match_substring_regex(shown, cell_reading.NEGATIVE)
    for found, instead in cell_reading.steps(rule, decimal):
        shown = pc.replace_substring_regex(shown, found, instead)
    signed = pc.if_else(negative, pc.binary_join_element_wise("-", shown, ""), shown)
    try:
        return signed.cast(kinds_of.arrow_type(kind))
    except pa.ArrowInvalid:  # a whole number beyond 64 bits
        return pa.array([_whole(text) for text in signed.to_pylist()], kinds_of.arrow_type(kind))


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(cell_reading.number(text, "integer", None, "."))
    except kinds_of.Unfit:
        return None


def _dates(cells: pa.Array, rule: ColumnReading) -> pa.Array:
    """By the formats of the rule; what fits none, by ISO 8601, each different text once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = kinds_of.by_formats(cells, rule.dates)
    rest = pc.if_else(found.is_null(), cells, pa.scalar(None, pa.string()))
    if rest.null_count == len(rest):
        return found
    encoded = rest.dictionary_encode()
    days = pa.array([_day(text) for text in encoded.dictionary.to_pylist()], kinds_of.arrow_type("date"))
    return pc.coalesce(found, days.take(encoded.indices))


def _day(text: str) -> Any:
    try:
        return cell_reading.date(text, ())
    except kinds_of.Unfit:
        return None
