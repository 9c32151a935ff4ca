"""A table as the model takes it: the raw columns of its input schema, the user's features, the matrix, the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import row_hash, split, tables
from aifactory_runtime.data.columns import Matrix, matrix, pin, raw_columns
from aifactory_runtime.data.tables import PREPARED, REFERENCE
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import memory
from aifactory_runtime.registry import answers
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

Features = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Labels = np.ndarray[Any, Any]
_TRIED_ROWS = 5


def load(folder: Place, version: int, name: str, schema: InputSchema, features: Features) -> tuple[Matrix, Labels]:
    """Matrix of shape (rows, features) and labels of shape (rows,) of the split `name` of the prepared table.

    Rows come in chunks: beside the matrix only one chunk is held. FactoryError when a column is missing, or the matrix
    does not fit into memory; UsageProblem when a feature is infinite.
    """
    return _load(folder, PREPARED, version, (split.SPLIT, name), (schema, features))


def load_reference(folder: Place, version: int, schema: InputSchema, features: Features) -> tuple[Matrix, Labels]:
    """As `load`, of the whole frozen reference table."""
    return _load(folder, REFERENCE, version, None, (schema, features))


def load_at(folder: Place, version: int, name: str, places: Labels, how: tuple[InputSchema, Features]) -> Matrix:
    """Matrix of shape (places, features) of the rows at these `places` of a split of the prepared table."""
    schema, features = how
    values: Matrix = np.empty((len(places), len(schema.features)), dtype=np.float64)
    start = 0
    for chunk in tables.batches(folder, PREPARED, version, where=(split.SPLIT, name)):
        here = np.flatnonzero((places >= start) & (places < start + len(chunk)))
        if len(here):
            values[here] = to_matrix(chunk.iloc[places[here] - start], schema, features)
        start += len(chunk)
    check_finite(values, schema)
    return values


def load_labels(folder: Place, version: int, name: str, target: str) -> Labels:
    """Labels of shape (rows,) of the split `name` of the prepared table, without its matrix."""
    chunks = tables.batches(folder, PREPARED, version, columns=[target], where=(split.SPLIT, name))
    return _joined(to_labels(chunk, target) for chunk in chunks)


def pin_split(folder: Place, version: int, name: str, schema: InputSchema, features: Features) -> InputSchema:
    """`schema` with the names of the matrix's columns, from what `features` returns for the rows of a split.

    UsageProblem when a row's features change with the rows beside it: such a model cannot answer for a single row.
    FactoryError when the split has no row.
    """
    chunks = tables.batches(folder, PREPARED, version, where=(split.SPLIT, name))
    first = next(chunks, None)
    if first is None:
        raise FactoryError(f"the prepared table has no row in {name}: the pipeline needs more data")
    return pinned(first, chunks, schema, features)


def pinned(first: pd.DataFrame, others: Iterable[pd.DataFrame], schema: InputSchema, features: Features) -> InputSchema:
    """`schema` with the names of the matrix's columns, from what `features` returns for these frames of rows."""
    made = features(raw(first, schema))
    found = replace(schema, features=pin(made, schema.columns, len(first)))
    _check_alone(first, made, found, features)
    texts = {name: _texts(values) for name, values in made.items() if np.asarray(values).dtype.kind not in "biuf"}
    if not texts:
        return found  # only texts can add columns later
    for chunk in others:
        more = features(raw(chunk, schema))
        pin(more, schema.columns, len(chunk))
        for feature in texts:
            texts[feature] |= _texts(more[feature])
    most = max(1, *(len(values) for values in texts.values()))
    every = {feature: _padded(texts[feature], most) if feature in texts else np.zeros(most) for feature in made}
    return replace(schema, features=pin(every, schema.columns, most))


def to_matrix(frame: pd.DataFrame, schema: InputSchema, features: Features) -> Matrix:
    """float64 of shape (rows, features); FactoryError when a column of the schema is not in `frame`."""
    missing = [column.name for column in schema.columns if column.name not in frame.columns]
    if missing:
        raise FactoryError(f"the model needs the column {missing[0]}, which the table does not have")
    return matrix(features(raw(frame, schema)), schema)


def to_labels(frame: pd.DataFrame, target: str) -> Labels:
    """Labels of shape (rows,): numbers or texts as numpy arrays."""
    series = frame[target]
    if series.dtype.kind in "biuf" and not hasattr(series.dtype, "na_value"):
        return np.asarray(series.to_numpy())
    return np.array(series.tolist())


def _texts(values: Any) -> set[str]:
    return {value for value in np.asarray(values).tolist() if isinstance(value, str)}


def _padded(values: set[str], size: int) -> Any:
    return np.array([*sorted(values), *[None] * (size - len(values))], dtype=object)


def _check_alone(frame: pd.DataFrame, made: Mapping[str, Any], schema: InputSchema, features: Features) -> None:
    """UsageProblem when the first rows have other features together with the rest than without it."""
    few = frame.head(_TRIED_ROWS)
    alone = matrix(features(raw(few, schema)), schema)
    together = matrix({name: np.asarray(values)[: len(few)] for name, values in made.items()}, schema)
    differs = ~(np.isclose(alone, together, rtol=answers.TOLERANCE, atol=0.0, equal_nan=True)).all(axis=0)
    if differs.any():
        name = schema.features[int(np.flatnonzero(differs)[0])]
        raise UsageProblem(f"features(): {name} of a row depends on other rows; compute it from its own row only")


def _load(
    folder: Place, table: str, version: int, where: tuple[str, object] | None, how: tuple[InputSchema, Features]
) -> tuple[Matrix, Labels]:
    schema, features = how
    size = tables.count(folder, table, version, where)
    memory.check(size, len(schema.features))
    values: Matrix = np.empty((size, len(schema.features)), dtype=np.float64)
    labels, start = [], 0
    for chunk in tables.batches(folder, table, version, where=where):
        found = to_matrix(chunk, schema, features)
        check_finite(found, schema)
        values[start : start + len(found)] = found
        labels.append(to_labels(chunk, schema.target))
        start += len(found)
    return values, _joined(labels)


def _joined(labels: Iterable[Labels]) -> Labels:
    found = list(labels)
    return np.concatenate(found) if found else np.empty(0)


def check_finite(found: Matrix, schema: InputSchema) -> None:
    """UsageProblem when a feature is infinite."""
    infinite = np.isinf(found).any(axis=0)
    if infinite.any():
        name = schema.features[int(np.flatnonzero(infinite)[0])]
        raise UsageProblem(f"features(): {name} has infinite values; check for zeros and logarithms")


def raw(frame: pd.DataFrame, schema: InputSchema) -> dict[str, Any]:
    """Raw columns of a frame in the types that `features` sees, by name."""
    values = {column.name: _values(frame[column.name]) for column in schema.columns}
    return raw_columns(values, schema)


def _values(series: Any) -> Any:
    """Values of a column; a missing one is NaN in a column of numbers, NaT in dates, else None."""
    if series.dtype.kind in "biufM" and not hasattr(series.dtype, "na_value"):
        return series.to_numpy()
    if series.dtype.kind in "biuf":
        return row_hash.numbers(series)
    return series.to_numpy(dtype=object, na_value=None)
