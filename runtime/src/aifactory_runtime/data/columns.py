"""Columns as the model sees them: arrays of raw values, and the float64 matrix; training and serving share it.

No pandas here: the scoring service loads this. A text feature becomes one column of 0 and 1 per value, named
`feature=value`; the names are pinned in the input schema, so training and serving cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, InputSchema

Matrix = np.ndarray[Any, np.dtype[np.float64]]
_MAX_VALUES = 200


def raw_columns(values: Mapping[str, Sequence[Any]], schema: InputSchema) -> dict[str, np.ndarray[Any, Any]]:
    """Columns by name, in the types that the user's `features` sees; a null is NaN, in a category None."""
    return {column.name: np.array(values[column.name], dtype=_dtype(column)) for column in schema.columns}


def matrix(columns: Mapping[str, Any], schema: InputSchema) -> Matrix:
    """float64 of shape (rows, features), in the order of the schema; UsageProblem when a feature is not there."""
    made = []
    for name in schema.features:
        if name in columns:
            made.append(np.asarray(columns[name], dtype=np.float64))
            continue
        column, found, value = name.rpartition("=")
        if not found or column not in columns:
            raise UsageProblem(f"features() returns no {column or name}, which the model was trained on")
        made.append((np.asarray(columns[column], dtype=object) == value).astype(np.float64))
    return np.column_stack(made)


def pin(columns: Mapping[str, Any], declared: Sequence[Column], rows: int) -> tuple[str, ...]:
    """Names of the matrix's columns for what `features` returned over `rows` training rows, in its order.

    The values of a text feature are those its raw column declares, else those that occur. UsageProblem for a feature
    that is no column of `rows` values, has infinite values or more than 200 texts.
    """
    categories = {column.name: column.categories for column in declared if column.categories is not None}
    names: list[str] = []
    for name, given in columns.items():
        values = np.asarray(given)
        if values.shape != (rows,):
            raise UsageProblem(f"features(): {name} has shape {values.shape}, not one value for each of {rows} rows")
        if values.dtype.kind in "biuf":
            if np.isinf(values).any():
                raise UsageProblem(f"features(): {name} has infinite values; check for zeros and logarithms")
            names.append(name)
            continue
        found = categories.get(name) or tuple(sorted({str(value) for value in values if isinstance(value, str)}))
        if len(found) > _MAX_VALUES:
            raise UsageProblem(
                f"features(): {name} has {len(found)} different texts; group them, {_MAX_VALUES} at most"
            )
        names.extend(f"{name}={value}" for value in found)
    if not names:
        raise UsageProblem("features() returns no column")
    return tuple(names)


def _dtype(column: Column) -> Any:
    if column.kind == "category":
        return object
    if column.nullable:
        return np.float64
    return {"number": np.float64, "integer": np.int64, "boolean": np.bool_}[column.kind]
