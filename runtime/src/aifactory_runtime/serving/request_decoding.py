"""What comes over the wire, as columns: decoded and checked against the model's input schema, or refused unrepeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data.columns import to_date
from aifactory_runtime.serving import csv_form, mlflow_forms, repeated_keys, value_types
from aifactory_runtime.serving.mlflow_forms import NotRows

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import InputSchema

_PLACE = re.compile(r" - at `\$\.\w+\[(\d+)\](?:\.(.+))?`$")
_MISSING = re.compile(r"missing required field `(.+?)`(?: - at|$)")
_NOT_JSON = re.compile(rb"\b(?:NaN|Infinity)\b")
_LIKE_CSV = re.compile(rb"\s*[^{\[\s][^\n]*[,;\t|][^\n]*\n")


EXPLAINED_ROWS = 1
"""Rows of a request to be explained: one takes as long as hundreds of answers."""


class Refused(Exception):
    """Input that cannot be scored. The message names row and column, never a value or a name that the caller sent."""


@dataclass(frozen=True)
class Rows:
    """Rows that fit the schema: as records to be logged, and by column, values in the order of the rows."""

    records: Sequence[msgspec.Struct]
    columns: dict[str, list[Any]]


class RowReader:
    """Reads request bodies for one input schema; made once a model, as the decoders are compiled.

    The forms that most callers send are decoded straight into rows. What such a decoder refuses is looked at again as
    plain JSON: rows may be in another form, hold columns that no model sees, or whole numbers written as 12.0. Cells
    of CSV are read as `read` says of the table that the model learned from.
    """

    def __init__(self, schema: InputSchema, max_rows: int, read: ReadSettings | None = None) -> None:
        self._columns = {column.name: column for column in schema.columns}
        self._fields = value_types.field_names(schema.columns)
        self._dates = [column.name for column in schema.columns if column.kind == "date"]
        self._whole = [column.name for column in schema.columns if column.kind == "integer"]
        self._unused = frozenset(schema.unused)
        kinds = zip(self._fields, schema.columns, strict=True)
        self._written = [field for field, column in kinds if column.kind in {"text", "date", "category"}]
        self._colons_in_names = sum(name.count(":") for name in self._columns)
        self.max_rows = max_rows
        self._read = read or ReadSettings()
        self._forms = _forms(max_rows)
        self.row = value_types.row_type(schema.columns)
        self.rows = Annotated[list[self.row], msgspec.Meta(min_length=1, max_length=max_rows)]  # type: ignore[name-defined]
        one_row = Annotated[list[self.row], msgspec.Meta(min_length=1, max_length=EXPLAINED_ROWS)]  # type: ignore[name-defined]
        self._predict = self._decoder("rows", self.rows)
        self._explain = self._decoder("rows", one_row)
        self._records = self._decoder("dataframe_records", self.rows)

    def predict(self, body: bytes) -> Rows:
        """Rows of `{"rows": [{column: value, ...}]}`."""
        return self._named("predict", self._predict, body)

    def explain(self, body: bytes) -> Rows:
        """The one row of `{"rows": [{column: value, ...}]}`."""
        return self._named("explain", self._explain, body)

    def invocations(self, body: bytes) -> Rows:
        """Rows of one of MLflow's forms in JSON; see `mlflow_forms`."""
        try:
            return self._rows(self._single(body, self._records.decode(body).dataframe_records))
        except msgspec.ValidationError as error:
            decoded = self._plain(body)
            if decoded is None:
                raise Refused(self._reason("invocations", str(error))) from None
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _no_json(body) from None
        try:
            found = mlflow_forms.rows(decoded, self.max_rows)
        except NotRows as error:
            raise Refused(str(error) or self._forms["invocations"]) from None
        return self._checked("invocations", found, self._predict)

    def csv(self, body: bytes) -> Rows:
        """Rows of a table as CSV in UTF-8; see `csv_form`."""
        try:
            found = csv_form.rows(body.decode("utf-8-sig"), self._columns, self._unused, self._read, self.max_rows)
        except UnicodeDecodeError:
            raise Refused("the body is not a text in UTF-8") from None
        except NotRows as error:
            raise Refused(str(error)) from None
        return self._checked("csv", found, self._predict)

    def _decoder(self, key: str, rows: Any) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(msgspec.defstruct("Body", [(key, rows)], forbid_unknown_fields=True))

    def _named(self, call: str, decoder: msgspec.json.Decoder[Any], body: bytes) -> Rows:
        """Rows of a body with the key `rows` alone."""
        try:
            return self._rows(self._single(body, decoder.decode(body).rows))
        except msgspec.ValidationError as error:
            decoded = self._plain(body)
            if not isinstance(decoded, dict) or set(decoded) != {"rows"} or not isinstance(decoded["rows"], list):
                raise Refused(self._reason(call, str(error))) from None
            return self._checked(call, decoded["rows"], decoder)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise _no_json(body) from None

    def _checked(self, call: str, rows: list[Any], decoder: msgspec.json.Decoder[Any]) -> Rows:
        """Rows that came as plain objects, without the columns that no model sees."""
        plain = [self._tidied(row) if isinstance(row, dict) else row for row in rows]
        try:
            converted: Any = msgspec.convert({"rows": plain}, decoder.type)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Refused(self._reason(call, str(error))) from None
        return self._rows(converted.rows)

    def _single(self, body: bytes, rows: Sequence[msgspec.Struct]) -> Sequence[msgspec.Struct]:
        """The rows of a body that holds no key twice."""
        self._refuse_repeated(body, 1 + len(rows) * len(self._fields), partial(self._colons_inside, rows))
        return rows

    def _colons_inside(self, rows: Sequence[msgspec.Struct]) -> int:
        """Colons in the names and texts of decoded rows."""
        values = (getattr(row, field) for row in rows for field in self._written)
        in_texts = sum(value.count(":") for value in values if isinstance(value, str))
        return in_texts + self._colons_in_names * len(rows)

    def _plain(self, body: bytes) -> Any:
        """The body as plain JSON; None when it holds what no decoder takes, such as a number beyond a float."""
        try:
            decoded = msgspec.json.decode(body)
            self._refuse_repeated(body, repeated_keys.count(decoded))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return decoded

    def _refuse_repeated(self, body: bytes, keys: int, inside: Callable[[], int] = int) -> None:
        try:
            repeated_keys.refuse(body, keys, inside)
        except repeated_keys.Repeated as repeated:
            name = str(repeated)
            what = f"column {name!r}" if name in self._columns else "a key"
            raise Refused(f"{what} stands twice in one object of the body: send it once") from None

    def _tidied(self, row: dict[str, Any]) -> dict[str, Any]:
        used = {name: value for name, value in row.items() if name not in self._unused}
        for name in self._whole:
            value = used.get(name)
            if type(value) is float and value.is_integer() and abs(value) < value_types.EXACT:
                used[name] = int(value)
        return used

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
            raise Refused(f"row {row}: column {name!r} must be {value_types.wanted(self._columns[name])}") from None

    def _reason(self, call: str, message: str) -> str:
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
            said = f"row {row}: column {name!r} must be {value_types.wanted(self._columns[name])}"
            return said + (self._as_written(name) if call == "csv" else "")
        return f"row {row}: expected an object of column and value"

    def _as_written(self, name: str) -> str:
        """What a cell of CSV has to look like, where the table's numbers are not written plainly."""
        rule = self._read.columns.get(name)
        decimal = self._read.decimal if rule is None or rule.decimal is None else rule.decimal
        if self._columns[name].kind not in {"number", "integer"}:
            return ""
        parts = [f"with {rule.unit}"] if rule and rule.unit else []
        parts += ["with a comma before decimals"] if decimal == "," else []
        return f", written as in the table: {' and '.join(parts)}" if parts else ""


def _no_json(body: bytes) -> Refused:
    hint = " (NaN and Infinity are not JSON; send null)" if _NOT_JSON.search(body) else ""
    if _LIKE_CSV.match(body):
        hint = " (CSV belongs to /invocations, with Content-Type: text/csv)"
    return Refused(f"the body is not valid JSON{hint}")


def _forms(max_rows: int) -> dict[str, str]:
    """What each address takes, in words."""
    rows = f"with 1 to {max_rows} rows"
    return {
        "csv": f"/invocations takes CSV with a header, {rows}",
        "predict": f'/predict takes {{"rows": [{{column: value, ...}}, ...]}} {rows}',
        "explain": '/explain takes {"rows": [{column: value, ...}]} with one row',
        "invocations": '/invocations takes either {"dataframe_records": [{column: value, ...}, ...]}, the same under '
        '"inputs" or "instances", {"inputs": {column: [value, ...], ...}} (or one value each), '
        f'{{"dataframe_split": {{"columns": [...], "data": [[...], ...]}}}}, or CSV with a header, {rows}',
    }
