"""Columns as the model sees them: arrays of raw values, and the float64 matrix; training and serving share it.

No pandas here: the scoring service loads this. A text feature becomes one column of 0 and 1 per value, named
`feature=value`; the names are pinned in the input schema, so training and serving cannot differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, InputSchema

Matrix = np.ndarray[Any, np.dtype[np.float64]]
_MAX_VALUES = 200
_SAYS_NOTHING = re.compile(
    r"(f|x|v|c|var|variable|col|column|feat|feature|tmp|temp|new|value)?[\s_.-]*\d*", re.IGNORECASE
)


def raw_columns(values: Mapping[str, Sequence[Any]], schema: InputSchema) -> dict[str, np.ndarray[Any, Any]]:
    """Columns by name, in the types that the user's `features` sees.

    A null is NaN, in a text or category None, in a date NaT. Dates come as datetime64 or what `to_date` takes. Numbers
    beyond a column's `cap` are taken for it: in training, in batches and in the service alike.
    """
    return {column.name: capped(_array(values[column.name], column), column) for column in schema.columns}


def capped(values: np.ndarray[Any, Any], column: Column) -> np.ndarray[Any, Any]:
    """Values of a column within its `cap`, the limits that belong to the model, in their own type.

    What is missing stays so; without a cap they are returned as they are.
    """
    if column.cap is None:
        return values
    low, high = column.cap
    if values.dtype.kind == "i":
        most = np.iinfo(values.dtype)
        low, high = max(int(low), most.min), min(int(high), most.max)
    made: np.ndarray[Any, Any] = np.clip(values, low, high)
    return made


def to_date(value: str | datetime | None) -> datetime | None:
    """A date, or date and time, in ISO 8601 without offset; one with an offset is moved to UTC. ValueError if none."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def matrix(columns: Mapping[str, Any], schema: InputSchema) -> Matrix:
    """float64 of shape (rows, features), in the order of the schema; UsageProblem when a feature is not there."""
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    rows = len(next(iter(arrays.values()), ()))
    made = np.empty((rows, len(schema.features)), dtype=np.float64)
    texts: dict[str, list[tuple[int, str]]] = {}
    for place, name in enumerate(schema.features):
        column, value = _source(name, arrays)
        if value is None:
            made[:, place] = arrays[column]
        else:
            texts.setdefault(column, []).append((place, value))
    for column, wanted in texts.items():
        _one_hot(arrays[column], wanted, made)
    return made


def pin(columns: Mapping[str, Any], declared: Sequence[Column], rows: int) -> tuple[str, ...]:
    """Names of the matrix's columns for what `features` returned over `rows` training rows, in its order.

    The values of a text feature are those its raw column declares, else those that occur. UsageProblem for a feature
    that is no column of `rows` values, has infinite values or more than 200 texts, and for names that are not unique
    and specific.
    """
    categories = {column.name: column.categories for column in declared if column.categories is not None}
    made: list[tuple[str, str | None]] = []
    for name, given in columns.items():
        _check_name(name, {column.name for column in declared})
        values = np.asarray(given)
        if values.shape != (rows,):
            raise UsageProblem(f"features(): {name} has shape {values.shape}, not one value for each of {rows} rows")
        if values.dtype.kind == "M":
            raise UsageProblem(f"features(): {name} is a date, a model takes numbers: return date_parts of it")
        if values.dtype.kind in "biuf":
            if np.isinf(values).any():
                raise UsageProblem(f"features(): {name} has infinite values; check for zeros and logarithms")
            made.append((name, None))
            continue
        found = _texts(values, categories.get(name, ()))
        if len(found) > _MAX_VALUES:
            raise UsageProblem(
                f"features(): {name} has {len(found)} different texts, {_MAX_VALUES} at most: return top_values or "
                "text_parts of it"
            )
        made.extend((name, value) for value in found)
    if not made:
        raise UsageProblem("features() returns no column")
    return _unique(made, columns)


def _array(values: Any, column: Column) -> np.ndarray[Any, Any]:
    if column.kind in {"category", "text"}:
        return np.array(values, dtype=object)
    if column.kind == "date":
        if getattr(values, "dtype", np.dtype(object)).kind == "M":
            return np.array(values, dtype="datetime64[us]")
        return np.array([to_date(value) for value in values], dtype="datetime64[us]")
    if column.nullable:
        return np.array(values, dtype=np.float64)
    return np.array(values, dtype={"number": np.float64, "integer": np.int64, "boolean": np.bool_}[column.kind])


def _source(name: str, columns: Collection[str]) -> tuple[str, str | None]:
    """The feature that a column of the matrix comes from, and the text it stands for; names may hold `=` themselves."""
    if name in columns:
        return name, None
    place = name.find("=")
    while place >= 0:
        if name[:place] in columns:
            return name[:place], name[place + 1 :]
        place = name.find("=", place + 1)
    raise UsageProblem(f"features() returns no {name.partition('=')[0]}, which the model was trained on")


def _one_hot(values: np.ndarray[Any, Any], wanted: Sequence[tuple[int, str]], made: Matrix) -> None:
    """Fill the columns of `made` that stand for texts of `values`: 1 where the row has the text, else 0."""
    numbers = {value: number for number, (_, value) in enumerate(wanted)}
    codes = np.fromiter((numbers.get(value, -1) for value in values), dtype=np.int64, count=len(values))
    for number, (place, _) in enumerate(wanted):
        made[:, place] = codes == number


def _texts(values: np.ndarray[Any, Any], declared: tuple[str, ...]) -> tuple[str, ...]:
    """The values of a text feature: the declared ones, unless `features` made others of them."""
    occurring = {str(value) for value in values if isinstance(value, str)}
    return declared if occurring and occurring <= set(declared) else tuple(sorted(occurring))


def _check_name(name: str, raw: Collection[str]) -> None:
    """A feature that is no raw column must say what it is."""
    if name not in raw and _SAYS_NOTHING.fullmatch(name.strip()):
        raise UsageProblem(f"features(): the name {name!r} says nothing; name the feature for what it is")


def _unique(made: Sequence[tuple[str, str | None]], columns: Collection[str]) -> tuple[str, ...]:
    """A name for each column of the matrix; UsageProblem unless each leads back to its own feature and text."""
    composed: dict[str, str] = {}
    for name in columns:
        other = composed.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise UsageProblem(f"features(): two features look alike, both are called {name!r}: rename one")
    names = [feature if text is None else f"{feature}={text}" for feature, text in made]
    for name, source in zip(names, made, strict=True):
        if _source(name, columns) != source:
            raise UsageProblem(f"features(): {name!r} can be read as two features: rename {source[0]!r}")
    return tuple(names)
