"""What a value of a column may be on the wire: one type, from which the decoder and the page of `/docs` are made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory_runtime.registry.model_folder import Column

EXACT = 2**53
"""Largest whole number that a float64, and so the model, still tells from its neighbour."""
_LEAST, _MOST = -(2**63), 2**63 - 1
"""Whole numbers that a table can hold: a model learned from them, beyond 2^53 rounded as here, so they are taken."""
_MAX_TEXT = 100_000
"""Characters of a text for which the schema names no limit."""
_MAX_DATE = 40
_MOST_NAMED = 20
_WANTED = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00",
}
_DATE_SCHEMA = {
    "anyOf": [{"format": "date"}, {"format": "date-time"}],
    "pattern": r"^(?!0001-01-01.+\+|9999-12-31.+-)",  # in UTC these are before the year 1 or after 9999
    "description": "A date, or date and time, in ISO 8601; one with an offset is moved to UTC.",
}
_EXAMPLES: dict[str, Any] = {
    "number": 0.5,
    "integer": 1,
    "boolean": True,
    "date": "2026-01-31T12:00:00Z",
    "text": "some words",
}


def row_type(columns: Sequence[Column]) -> type[msgspec.Struct]:
    """A row with one field for each column, in their order: fields `c0`, `c1`, called as columns on the wire."""
    fields = field_names(columns)
    made: type[msgspec.Struct] = msgspec.defstruct(
        "Row",
        [(field, value_type(column)) for field, column in zip(fields, columns, strict=True)],
        rename={field: column.name for field, column in zip(fields, columns, strict=True)},
        forbid_unknown_fields=True,
    )
    return made


def field_names(columns: Sequence[Column]) -> list[str]:
    """Attributes of a row: a column may be called what no attribute of Python can be."""
    return [f"c{number}" for number in range(len(columns))]


def value_type(column: Column) -> Any:
    """The type that a column's values have; numbers outside the schema's range do not have it."""
    if column.kind == "category":
        kind: Any = Literal[tuple(column.categories or ())]
    elif column.kind == "text":
        low, high = _lengths(column)
        kind = Annotated[str, msgspec.Meta(min_length=low, max_length=high)]
    elif column.kind == "date":
        kind = Annotated[str, msgspec.Meta(max_length=_MAX_DATE, extra_json_schema=_DATE_SCHEMA)]
    elif column.kind == "boolean":
        kind = bool
    elif column.kind == "integer":
        low = _LEAST if column.minimum is None else max(math.ceil(column.minimum), _LEAST)
        high = _MOST if column.maximum is None else min(math.floor(column.maximum), _MOST)
        kind = Annotated[int, msgspec.Meta(ge=low, le=high)]
    else:
        kind = Annotated[float, msgspec.Meta(ge=column.minimum, le=column.maximum)]
    return kind | None if column.nullable else kind


def wanted(column: Column) -> str:
    """What `value_type` asks of a column, in words."""
    if column.kind == "text":
        low, high = _lengths(column)
        said = f"a text of {low} to {high} characters" if low else f"a text of at most {high} characters"
    elif column.kind == "category":
        values = column.categories or ()
        named = len(values) <= _MOST_NAMED
        said = "one of " + (", ".join(map(repr, values)) if named else f"the {len(values)} values that /docs lists")
    else:
        said = _WANTED[column.kind]
        if column.minimum is not None:
            said += f", at least {column.minimum:g}"
        if column.maximum is not None:
            said += f", at most {column.maximum:g}"
    return said + (", or null" if column.nullable else "")


def example(column: Column) -> Any:
    """A value that the column takes."""
    if column.categories:
        return column.categories[0]
    if column.kind == "text":
        low, high = _lengths(column)
        return _EXAMPLES["text"][:high].ljust(low, ".")
    limit = column.maximum if column.minimum is None else column.minimum
    if limit is None or column.kind == "date":
        return _EXAMPLES[column.kind]
    return math.ceil(limit) if column.kind == "integer" else limit


def _lengths(column: Column) -> tuple[int, int]:
    """Fewest and most characters of a text."""
    return math.ceil(column.minimum or 0), _MAX_TEXT if column.maximum is None else math.floor(column.maximum)
