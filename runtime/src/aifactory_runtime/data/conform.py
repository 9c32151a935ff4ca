"""Brings rows to what schema.py declares, or says in one line what does not fit: columns and checks, never values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.data import row_hash
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SHOWN = 3
_WIDER = {("int64", "Int64"), ("int64", "float64"), ("Int64", "float64"), ("bool", "boolean")}


def row_wise(schema: Any) -> Any:
    """`schema` without what cannot be seen in a part of the rows; `unique_sets` names what was taken out."""
    columns = [name for name, column in schema.columns.items() if column.unique]
    plain = schema.update_columns({name: {"unique": False} for name in columns}) if columns else schema
    if plain.unique:
        import copy

        plain = copy.deepcopy(plain)
        plain.unique = None
    return plain


def unique_sets(schema: Any) -> list[tuple[str, ...]]:
    """Columns, or sets of columns, that schema.py declares to be unique."""
    single = [(str(name),) for name, column in schema.columns.items() if column.unique]
    return [*single, *([tuple(schema.unique)] if schema.unique else [])]


def transforms(schema: Any) -> bool:
    """Whether the schema makes other values of those it is given; if not, rows that passed need no second look."""
    found = [schema.coerce, schema.parsers, schema.strict == "filter", schema.add_missing_columns]
    each = [column.coerce or column.parsers or column.default is not None for column in schema.columns.values()]
    return any(found) or any(each)


def conform(
    frame: pd.DataFrame,
    schema: Any,
    columns: Mapping[str, ColumnSettings] | None = None,
    *,
    checks: bool = True,
) -> pd.DataFrame:
    """`frame` as the schema wants it; FactoryError names columns and checks that fail.

    Whole numbers become decimals and plain types their nullable kin where the schema has them so; infinite values
    become missing ones where `columns` says so. Without `checks` only that is done.
    """
    from pandera.errors import SchemaError, SchemaErrors

    plain = _without_infinite(_widened(frame, schema), columns or {})
    if not checks:
        return plain
    try:
        checked: pd.DataFrame = schema.validate(plain)
    except (SchemaError, SchemaErrors):
        try:
            schema.validate(plain, lazy=True)
        except SchemaErrors as errors:
            raise FactoryError(f"the data does not fit schema.py: {_explain(errors.failure_cases)}") from None
        raise
    return checked


def difference(before: pa.Schema, after: pa.Schema) -> list[str]:
    """What changed from one table to another, a column each: `+ name (type)`, `- name (type)`, `name: type -> type`."""
    old = {entry.name: str(entry.type) for entry in before}
    new = {entry.name: str(entry.type) for entry in after}
    gone = [f"- {name} ({kind})" for name, kind in old.items() if name not in new]
    came = [f"+ {name} ({kind})" for name, kind in new.items() if name not in old]
    other = [f"{name}: {kind} -> {new[name]}" for name, kind in old.items() if new.get(name, kind) != kind]
    return gone + came + other


def _widened(frame: pd.DataFrame, schema: Any) -> pd.DataFrame:
    """Columns in the type that the schema has where nothing is lost by it."""
    made = {}
    for name, column in schema.columns.items():
        if name not in frame.columns:
            continue
        wanted, series = str(column.dtype), frame[name]
        if (str(series.dtype), wanted) in _WIDER and not (wanted == "int64" and series.hasnans):
            made[name] = row_hash.numbers(series) if wanted == "float64" else series.astype(wanted)
    return frame.assign(**made) if made else frame


def _without_infinite(frame: pd.DataFrame, columns: Mapping[str, ColumnSettings]) -> pd.DataFrame:
    made = {}
    for name, settings in columns.items():
        if settings.infinite == "missing" and name in frame.columns and frame[name].dtype.kind == "f":
            values = row_hash.numbers(frame[name])
            made[name] = np.where(np.isinf(values), np.nan, values)
    return frame.assign(**made) if made else frame


def _explain(cases: pd.DataFrame) -> str:
    """What fails, by column and check, with how many rows; a column that is missing or unknown is named."""
    said: list[str] = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        if check == "column_in_dataframe":
            said.extend(f"column {name} is missing" for name in group["failure_case"])
        elif check == "column_in_schema":
            said.extend(f"column {name} is not declared" for name in group["failure_case"])
        elif str(check).startswith("dtype("):
            said.append(f"{column} is {group['failure_case'].iloc[0]}, not {str(check)[7:-2]}")
        elif check == "not_nullable":
            said.append(f"{column} misses {len(group)} values, and is not nullable")
        else:
            said.append(f"{column} fails {check} in {len(group)} rows")
    more = f" (and {len(said) - _SHOWN} more)" if len(said) > _SHOWN else ""
    return "; ".join(said[:_SHOWN]) + more
