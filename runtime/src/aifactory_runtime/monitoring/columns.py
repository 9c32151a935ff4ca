"""Rows as columns of Arrow, by the kinds of an input schema: captured predictions and training rows come out alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from aifactory_runtime.data.columns import to_date
from aifactory_runtime.registry.model_folder import Column, InputSchema, Kind, Label

if TYPE_CHECKING:
    import pandas as pd

PREDICTION = "prediction"
"""What was answered, as a column beside the inputs; `scored` has one of that name, so that no input is called so."""
_TYPES: dict[Kind, pa.DataType] = {
    "number": pa.float64(),
    "integer": pa.float64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "date": pa.timestamp("us"),
}
_BINARY = 2
Columns = Mapping[str, pa.ChunkedArray]
_Check = Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[Kind, _Check] = {
    "number": _is_number,
    "integer": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "category": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "date": lambda value: isinstance(value, str) and _date(value) is not None,
}


def fits(column: Column, value: Any) -> bool:
    """Whether a captured value is one of the column's kind, or missing."""
    return value is None or _FITS[column.kind](value)


def of_inputs(rows: Sequence[Mapping[str, Any]], schema: InputSchema) -> dict[str, pa.ChunkedArray]:
    """Inputs as they were captured; a value of another kind counts as missing, a column that no row has is left out."""
    made = {}
    for column in schema.columns:
        if not any(column.name in row for row in rows):
            continue
        values = [row.get(column.name) for row in rows]
        known = [value if fits(column, value) else None for value in values]
        read = [_date(value) for value in known] if column.kind == "date" else known
        made[column.name] = pa.chunked_array([pa.array(read, _TYPES[column.kind])])
    return made


def of_frame(frame: pd.DataFrame, schema: InputSchema) -> dict[str, pa.ChunkedArray]:
    """Rows of the prepared table."""
    return {
        column.name: pa.chunked_array([_cast(pa.array(frame[column.name], from_pandas=True), column.kind)])
        for column in schema.columns
    }


def of_outputs(outputs: Sequence[Mapping[str, Any]], classes: Sequence[Label]) -> pa.ChunkedArray:
    """Answers as they were captured, as `of_answers` has them."""
    if len(classes) == _BINARY:
        shares = [(output.get("probabilities") or [None])[-1] for output in outputs]
        return _floats(shares)
    given = [output.get(PREDICTION) for output in outputs]
    return _texts(given) if classes else _floats(given)


def of_answers(labels: Any, shares: Any, classes: Sequence[Label]) -> pa.ChunkedArray:
    """What a model says: a regression's number, of two classes the share of the second, else the label."""
    if len(classes) == _BINARY:
        return _floats(np.asarray(shares)[:, 1].tolist())
    return _texts(np.asarray(labels).tolist()) if classes else _floats(np.asarray(labels).tolist())


def _floats(values: Sequence[Any]) -> pa.ChunkedArray:
    """In 32 bits: the last digits of an answer depend on the order in which threads add up."""
    known = [value if _is_number(value) else None for value in values]
    return pa.chunked_array([pa.array(known, pa.float64()).cast(pa.float32(), safe=False)])


def _texts(values: Sequence[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([None if value is None else str(value) for value in values], pa.string())])


def _cast(values: Any, kind: Kind) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return whole.cast(_TYPES[kind], safe=False)


def _date(value: str | None) -> Any:
    try:
        return to_date(value)
    except ValueError:
        return None
