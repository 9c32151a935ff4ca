"""Rows as columns of numpy arrays, and the model's matrix from what the user's features make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.registry.model_folder import InputSchema


def raw_columns(values: Mapping[str, Sequence[Any]], schema: InputSchema) -> dict[str, np.ndarray[Any, Any]]:
    """Columns by name, in the types that training sees; a null is NaN, in a category None."""
    made = {}
    for column in schema.columns:
        kind: Any = np.float64
        if column.kind == "category":
            kind = object
        elif not column.nullable:
            kind = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}[column.kind]
        made[column.name] = np.array(values[column.name], dtype=kind)
    return made


def matrix(columns: Mapping[str, Any], schema: InputSchema) -> np.ndarray[Any, np.dtype[np.float64]]:
    """float64 of shape (rows, features), in the order of the schema."""
    made = []
    for name in schema.features:
        if name in columns:
            made.append(np.asarray(columns[name], dtype=np.float64))
        else:
            column, _, value = name.rpartition("=")
            made.append((np.asarray(columns[column]) == value).astype(np.float64))
    return np.column_stack(made)
