"""Arrow arrays as the declared kinds of column: number, integer, boolean, category, text, date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "none", "#N/A", "?", "-", "--", ".")
"""What stands for a missing value where a number, a truth value or a date is expected; in texts only nothing does."""
TRUE = ("true", "True", "TRUE", "1", "yes", "Yes", "YES")
FALSE = ("false", "False", "FALSE", "0", "no", "No", "NO")
_SHOWN = 60
_PLURAL = {"number": "numbers", "integer": "whole numbers", "boolean": "truth values", "date": "dates"}


class Unfit(Exception):
    """Values that are not of the kind they are declared to be; the message says so without a value."""


def arrow_type(kind: str) -> pa.DataType:
    """How values of a kind are held; KeyError for a kind that is none."""
    import pyarrow as pa

    return {
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "category": pa.string(),
        "text": pa.string(),
        "date": pa.timestamp("us"),
    }[kind]


def to_kind(values: pa.Array, kind: str, formats: Sequence[str] = (), decimal: str = ".") -> pa.Array:
    """`values` as `kind`; texts are parsed, dates by ISO 8601 or one of `formats` (as strptime has them), in UTC.

    `decimal` is what stands before the decimals of numbers in texts. Unfit when a value is not of that kind.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = arrow_type(kind)
    if values.type == wanted:
        return values
    try:
        if kind == "date":
            return _to_dates(values, formats)
        if not pa.types.is_string(values.type):
            return values.cast(wanted)
        if kind == "boolean":
            return _to_booleans(without_missing(values))
        if decimal != "." and kind == "number":
            if pc.any(pc.match_substring(without_missing(values), ".")).as_py():
                raise Unfit(f"holds values that are no {_PLURAL[kind]}")
            values = pc.replace_substring(values, decimal, ".")
        try:
            return values.cast(wanted)
        except pa.ArrowInvalid:
            return without_missing(values).cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise Unfit(f"holds values that are no {_PLURAL.get(kind, 'texts')}") from None


def without_missing(texts: pa.Array) -> pa.Array:
    """Texts with a null wherever they stand for a missing value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    gone = pc.is_in(trimmed, value_set=pa.array(MISSING))
    return pc.if_else(gone, pa.scalar(None, pa.string()), trimmed)


def plain(values: pa.Array) -> pa.Array:
    """Values of any source in one of the types of `arrow_type`; Unfit for lists, records and bytes."""
    import pyarrow as pa

    types = pa.types
    found = values.type
    if types.is_dictionary(found):
        return plain(values.dictionary_decode())
    if types.is_duration(found):
        return values.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64())
    if types.is_timestamp(found) or types.is_date(found):
        return _to_microseconds(values)
    for wanted, is_such in (
        (pa.bool_(), types.is_boolean(found)),
        # Texts of their digits, of which a float64 would not hold all.
        (pa.string(), found == pa.uint64() or (types.is_decimal(found) and found.scale == 0)),
        (pa.float64(), types.is_floating(found) or types.is_decimal(found)),
        (pa.int64(), types.is_integer(found)),
        (pa.string(), types.is_null(found) or types.is_time(found) or _is_text(found)),
    ):
        if is_such:
            return values.cast(wanted, safe=False)
    raise Unfit(f"holds values of type {str(found)[:_SHOWN]}: make columns of numbers, texts or dates of it")


def _to_microseconds(values: pa.Array) -> pa.Array:
    """Dates as we hold them; nanoseconds are cut off. Unfit for those that microseconds do not reach."""
    import pyarrow as pa

    finer = pa.types.is_timestamp(values.type) and values.type.unit == "ns"
    try:
        return values.cast(pa.timestamp("us"), safe=not finer)
    except pa.ArrowInvalid:
        raise Unfit("holds dates too far from today to be written down: mend them, or leave the column out") from None


def _is_text(found: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _to_booleans(texts: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    yes, no = (pc.is_in(texts, value_set=pa.array(words)) for words in (TRUE, FALSE))
    known = pc.or_(yes, no)
    if pc.sum(pc.and_(pc.invert(known), texts.is_valid())).as_py():
        raise Unfit("holds values that are no truth values")
    return pc.if_else(known, yes, pa.scalar(None, pa.bool_()))


def _to_dates(values: Any, formats: Sequence[str]) -> Any:
    """Dates without a zone; those with one are moved to UTC first."""
    import pyarrow as pa

    dates = pa.timestamp("us")
    if not pa.types.is_string(values.type):
        return values.cast(dates, safe=False)
    texts = without_missing(values)
    try:
        return _iso_dates(texts)
    except pa.ArrowInvalid:
        found = by_formats(texts, (*formats, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"))
    if found.null_count > texts.null_count:
        raise Unfit("holds values that are no dates")
    return found


def by_formats(texts: pa.Array, formats: Sequence[str]) -> pa.Array:
    """Dates by the first format that fits, as strptime has them; null where none does or where there is no such day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from aifactory_runtime.data import cell_reading

    found = pa.nulls(len(texts), pa.timestamp("us"))
    for form in formats:
        shape = cell_reading.date_pattern(form)
        fit = pc.if_else(pc.match_substring_regex(texts, shape), texts, pa.scalar(None, pa.string()))
        if fit.null_count == len(fit):
            continue
        dates = pc.strptime(fit, format=form, unit="us", error_is_null=True)
        if "%d" in form:  # strptime makes the second of March of the 31st of February
            day = pc.struct_field(pc.extract_regex(fit, shape), "day").cast(pa.int64())
            dates = pc.if_else(pc.equal(pc.day(dates), day), dates, pa.scalar(None, pa.timestamp("us")))
        found = pc.coalesce(found, dates)
    return found


def _iso_dates(texts: Any) -> Any:
    """Dates of ISO 8601, those with a zone moved to UTC; ArrowInvalid when one is not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    dates, none = pa.timestamp("us"), pa.scalar(None, pa.string())
    texts = pc.replace_substring_regex(texts, r"(:\d\d(\.\d+)?) UTC$", r"\1Z")  # as BigQuery writes it
    zoned = pc.match_substring_regex(texts, r"\d(Z|[+-]\d\d(:?\d\d)?)$")
    zoned = pc.and_(zoned, pc.greater(pc.utf8_length(texts), len("2024-01-31")))
    if not pc.any(zoned).as_py():
        return texts.cast(dates)
    plain_dates = pc.if_else(zoned, none, texts).cast(dates)
    return pc.coalesce(plain_dates, pc.if_else(zoned, texts, none).cast(pa.timestamp("us", "UTC")).cast(dates))
