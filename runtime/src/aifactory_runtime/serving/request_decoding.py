"""What comes over the wire, as columns: decoded and checked against the model's input schema, or refused unrepeated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from aifactory_runtime.data.columns import to_date

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Column, InputSchema

_EXACT = 2**53
"""Largest whole number that a float64, and so the model, still tells from its neighbour."""
_PLACE = re.compile(r" - at `\$\.(?:rows|dataframe_records)\[(\d+)\](?:\.(.+))?`$")
_MISSING = re.compile(r"missing required field `(.+?)`(?: - at|$)")
_NOT_JSON = re.compile(rb"\b(?:NaN|Infinity)\b")
_WANTED = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a date in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00",
}
_MAX_TEXT = 100_000
"""Characters of a text for which the schema names no limit."""
_MAX_DATE = 40
_MOST_NAMED = 20


class Refused(Exception):
    """Input that cannot be scored. The message names row and column, never a value or a name that the caller sent."""


@dataclass(frozen=True)
class Rows:
    """Rows that fit the schema: as records to be logged, and by column, values in the order of the rows."""

    records: Sequence[msgspec.Struct]
    columns: dict[str, list[Any]]


class _Split(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    data: list[list[Any]]
    index: list[Any] | None = None


class RowReader:
    """Reads request bodies for one input schema; made once a model, as the decoders are compiled."""

    def __init__(self, schema: InputSchema, max_rows: int) -> None:
        self._columns = {column.name: column for column in schema.columns}
        self._fields = [f"c{number}" for number in range(len(schema.columns))]
        self._row = msgspec.defstruct(
            "Row",
            [(field, _type(column)) for field, column in zip(self._fields, schema.columns, strict=True)],
            rename=dict(zip(self._fields, self._columns, strict=True)),
            forbid_unknown_fields=True,
        )
        self._dates = [column.name for column in schema.columns if column.kind == "date"]
        self._max_rows = max_rows
        self._forms = _forms(max_rows)
        rows = Annotated[list[self._row], msgspec.Meta(min_length=1, max_length=max_rows)]  # type: ignore[name-defined]
        predict = msgspec.defstruct("Predict", [("rows", rows)], forbid_unknown_fields=True)
        invocations = msgspec.defstruct(
            "Invocations",
            [
                ("dataframe_records", rows | msgspec.UnsetType, msgspec.UNSET),
                ("dataframe_split", _Split | msgspec.UnsetType, msgspec.UNSET),
            ],
            forbid_unknown_fields=True,
        )
        self._predict = msgspec.json.Decoder(predict)
        self._invocations = msgspec.json.Decoder(invocations)

    def predict(self, body: bytes) -> Rows:
        """Rows of `{"rows": [{column: value, ...}]}`."""
        decoded: Any = self._decode("predict", self._predict, body)
        return self._rows(decoded.rows)

    def invocations(self, body: bytes) -> Rows:
        """Rows of MLflow's `{"dataframe_split": ...}` or `{"dataframe_records": ...}`."""
        decoded: Any = self._decode("invocations", self._invocations, body)
        records, split = decoded.dataframe_records, decoded.dataframe_split
        if (records is msgspec.UNSET) == (split is msgspec.UNSET):
            raise Refused(self._forms["invocations"])
        return self._rows(self._from_split(split) if records is msgspec.UNSET else records)

    def _from_split(self, split: _Split) -> Sequence[msgspec.Struct]:
        if not 1 <= len(split.data) <= self._max_rows:
            raise Refused(f"send 1 to {self._max_rows} rows")
        if len(set(split.columns)) != len(split.columns):
            raise Refused("a column is named twice")
        for number, row in enumerate(split.data):
            if len(row) != len(split.columns):
                raise Refused(f"row {number} has {len(row)} values for {len(split.columns)} columns")
        records = [dict(zip(split.columns, row, strict=True)) for row in split.data]
        try:
            converted: Any = msgspec.convert({"rows": records}, self._predict.type)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Refused(self._explain("invocations", str(error))) from None
        return list(converted.rows)

    def _decode(self, call: str, decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            raise Refused(self._explain(call, str(error))) from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            hint = " (NaN and Infinity are not JSON; send null)" if _NOT_JSON.search(body) else ""
            raise Refused(f"the body is not valid JSON{hint}") from None

    def _rows(self, records: Sequence[msgspec.Struct]) -> Rows:
        columns = {
            name: [getattr(record, field) for record in records]
            for field, name in zip(self._fields, self._columns, strict=True)
        }
        for name in self._dates:
            columns[name] = [self._date(name, row, text) for row, text in enumerate(columns[name])]
        return Rows(records, columns)

    def _date(self, name: str, row: int, text: str | None) -> datetime | None:
        try:
            return to_date(text)
        except (ValueError, OverflowError):
            raise Refused(f"row {row}: column {name!r} must be {_wanted(self._columns[name])}") from None

    def _explain(self, call: str, message: str) -> str:
        """The decoder's message without what the caller sent: only names that the schema holds are repeated."""
        place = _PLACE.search(message)
        if place is None:
            return self._forms[call]
        row, name = place.groups()
        missing = _MISSING.search(message)
        if missing and missing.group(1) in self._columns:
            return f"row {row}: column {missing.group(1)!r} is missing"
        if "unknown field" in message:
            return f"row {row}: a column that the model does not know; /docs lists those it takes"
        if name in self._columns:
            return f"row {row}: column {name!r} must be {_wanted(self._columns[name])}"
        return f"row {row}: expected an object of column and value"


def _forms(max_rows: int) -> dict[str, str]:
    """What each address takes, in words."""
    rows = f"with 1 to {max_rows} rows"
    return {
        "predict": f'/predict takes {{"rows": [{{column: value, ...}}, ...]}} {rows}',
        "invocations": '/invocations takes either {"dataframe_records": [{column: value, ...}, ...]} or '
        f'{{"dataframe_split": {{"columns": [...], "data": [[...], ...]}}}} {rows}',
    }


def _wanted(column: Column) -> str:
    """What the schema asks of a column, in words."""
    if column.kind == "text":
        low, high = _lengths(column)
        wanted = f"a text of {low} to {high} characters" if low else f"a text of at most {high} characters"
    elif column.kind == "category":
        values = column.categories or ()
        named = len(values) <= _MOST_NAMED
        wanted = "one of " + (", ".join(map(repr, values)) if named else f"the {len(values)} values that /docs lists")
    else:
        wanted = _WANTED[column.kind]
        if column.minimum is not None:
            wanted += f", at least {column.minimum:g}"
        if column.maximum is not None:
            wanted += f", at most {column.maximum:g}"
    return wanted + (", or null" if column.nullable else "")


def _type(column: Column) -> Any:
    """The type that a column's values have on the wire; numbers outside the schema's range do not have it."""
    if column.kind == "category":
        kind: Any = Literal[tuple(column.categories or ())]
    elif column.kind == "text":
        low, high = _lengths(column)
        kind = Annotated[str, msgspec.Meta(min_length=low, max_length=high)]
    elif column.kind == "date":
        kind = Annotated[str, msgspec.Meta(max_length=_MAX_DATE)]
    elif column.kind == "boolean":
        kind = bool
    elif column.kind == "integer":
        low = -_EXACT if column.minimum is None else int(column.minimum)
        high = _EXACT if column.maximum is None else int(column.maximum)
        kind = Annotated[int, msgspec.Meta(ge=low, le=high)]
    else:
        kind = Annotated[float, msgspec.Meta(ge=column.minimum, le=column.maximum)]
    return kind | None if column.nullable else kind


def _lengths(column: Column) -> tuple[int, int]:
    """Fewest and most characters of a text."""
    return int(column.minimum or 0), _MAX_TEXT if column.maximum is None else int(column.maximum)
