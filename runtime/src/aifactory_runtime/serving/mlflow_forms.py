"""The forms of a request that MLflow's scoring server takes, each brought to a list of rows by column name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROWS_BY_NAME = ("dataframe_records", "instances", "inputs")
"""Keys whose value may be a list of rows, each an object of column and value."""
_SPLIT, _INPUTS, _PARAMS = "dataframe_split", "inputs", "params"
_PARTS = frozenset({"columns", "data", "index"})


class NotRows(Exception):
    """The body is in none of the forms; the message says what is wrong, or is empty when nothing fits at all."""


def rows(body: Any, most: int) -> list[Any]:
    """The 1 to `most` rows of a decoded body: one of the forms, and `params` if there are none in it."""
    if not isinstance(body, dict):
        raise NotRows
    forms = {key: value for key, value in body.items() if key != _PARAMS}
    if body.get(_PARAMS) not in (None, {}):
        raise NotRows("params are not supported: the model takes columns only, leave params out")
    if len(forms) != 1:
        raise NotRows
    key, value = next(iter(forms.items()))
    if key == _SPLIT:
        return _from_split(value, most)
    if key == _INPUTS and isinstance(value, dict):
        return _from_columns(value, most)
    if key not in ROWS_BY_NAME or not isinstance(value, list):
        raise NotRows
    _check_count(value, most)
    if any(isinstance(row, list) for row in value):
        raise NotRows(f"a row of {key} is a list without names: send objects of column and value, or {_SPLIT}")
    return value


def _from_split(split: Any, most: int) -> list[Any]:
    """Rows of `{"columns": [...], "data": [[...], ...]}`; an index, which pandas writes, says nothing to a model."""
    if not isinstance(split, dict) or not set(split) <= _PARTS:
        raise NotRows
    columns, data = split.get("columns"), split.get("data")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise NotRows
    if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        raise NotRows
    _check_count(data, most)
    return named(columns, data)


def named(columns: Sequence[str], data: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows by column name; NotRows when a column is named twice, or a row has another number of values."""
    if len(set(columns)) != len(columns):
        raise NotRows("a column is named twice")
    for number, row in enumerate(data):
        if len(row) != len(columns):
            raise NotRows(f"row {number} has {len(row)} values for {len(columns)} columns")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _from_columns(columns: Mapping[str, Any], most: int) -> list[Any]:
    """Rows of `{column: [value, ...], ...}`; the one row of `{column: value, ...}`."""
    if columns and not any(isinstance(value, list | dict) for value in columns.values()):
        return [dict(columns)]
    lengths = {len(values) if isinstance(values, list) else None for values in columns.values()}
    if len(lengths) != 1 or None in lengths:
        raise NotRows("inputs: give each column one value, or each a list of its values, all lists of the same length")
    _check_count(next(iter(columns.values())), most)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _check_count(found: Sequence[Any], most: int) -> None:
    if not 1 <= len(found) <= most:
        raise NotRows(f"send 1 to {most} rows")
