"""A table as the model takes it: the raw columns of its input schema, the user's features, the matrix, the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.columns import Matrix, matrix, pin, raw_columns
from aifactory_runtime.data.tables import PREPARED, REFERENCE
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.model_folder import InputSchema

if TYPE_CHECKING:
    import pandas as pd

Features = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_TRIED_ROWS = 5


def load(
    folder: Path, version: int, name: str, schema: InputSchema, features: Features
) -> tuple[Matrix, np.ndarray[Any, Any]]:
    """Matrix of shape (rows, features) and labels of shape (rows,) of the split `name` of the prepared table.

    Rows come in chunks, so that beside the matrix only one chunk is held. FactoryError when a column is missing.
    """
    return _gathered(tables.batches(folder, PREPARED, version, where=(split.SPLIT, name)), schema, features)


def load_reference(
    folder: Path, version: int, schema: InputSchema, features: Features
) -> tuple[Matrix, np.ndarray[Any, Any]]:
    """As `load`, of the whole frozen reference table."""
    return _gathered(tables.batches(folder, REFERENCE, version), schema, features)


def pin_split(folder: Path, version: int, name: str, schema: InputSchema, features: Features) -> InputSchema:
    """`schema` with the names of the matrix's columns, from what `features` returns for the rows of a split."""
    frames = list(tables.batches(folder, PREPARED, version, where=(split.SPLIT, name)))
    if not frames:
        raise FactoryError(f"the prepared table has no row in {name}: the pipeline needs more data")
    import pandas as pd

    return pinned(pd.concat(frames, ignore_index=True), schema, features)


def pinned(frame: pd.DataFrame, schema: InputSchema, features: Features) -> InputSchema:
    """`schema` with the names of the matrix's columns, from what `features` returns for the training rows.

    UsageProblem when a row's features change with the rows beside it: such a model cannot answer for a single row.
    """
    made = features(_raw(frame, schema))
    found = replace(schema, features=pin(made, schema.columns, len(frame)))
    few = frame.head(_TRIED_ROWS)
    alone = matrix(features(_raw(few, schema)), found)
    together = matrix({name: np.asarray(values)[: len(few)] for name, values in made.items()}, found)
    differs = ~(np.isclose(alone, together, rtol=1e-9, atol=0.0, equal_nan=True)).all(axis=0)
    if differs.any():
        name = found.features[int(np.flatnonzero(differs)[0])]
        raise UsageProblem(f"features(): {name} of a row depends on other rows; compute it from its own row only")
    return found


def to_matrix(frame: pd.DataFrame, schema: InputSchema, features: Features) -> Matrix:
    """float64 of shape (rows, features); FactoryError when a column of the schema is not in `frame`."""
    missing = [column.name for column in schema.columns if column.name not in frame.columns]
    if missing:
        raise FactoryError(f"the model needs the column {missing[0]}, which the table does not have")
    return matrix(features(_raw(frame, schema)), schema)


def to_labels(frame: pd.DataFrame, target: str) -> Any:
    """Labels of shape (rows,): numbers or texts as numpy arrays."""
    return np.array(frame[target].tolist())


def _gathered(
    chunks: Iterable[pd.DataFrame], schema: InputSchema, features: Features
) -> tuple[Matrix, np.ndarray[Any, Any]]:
    made = [(to_matrix(chunk, schema, features), to_labels(chunk, schema.target)) for chunk in chunks]
    if not made:
        return np.empty((0, len(schema.features))), np.empty(0)
    return np.concatenate([values for values, _ in made]), np.concatenate([labels for _, labels in made])


def _raw(frame: pd.DataFrame, schema: InputSchema) -> dict[str, Any]:
    values = {column.name: _values(frame[column.name]) for column in schema.columns}
    return raw_columns(values, schema)


def _values(series: Any) -> Any:
    """Values of a column; a missing one is NaN in a column of numbers, else None."""
    if series.dtype.kind in "biufM" and not hasattr(series.dtype, "na_value"):
        return series.to_numpy()
    return series.to_numpy(dtype=object, na_value=None)
