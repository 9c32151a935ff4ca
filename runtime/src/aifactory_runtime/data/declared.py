"""The raw table's declaration, a pandera schema, as the input columns of a model and as a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, Kind, Label

if TYPE_CHECKING:
    import pandas as pd

_KINDS: dict[str, Kind] = {
    "bool": "boolean",
    "boolean": "boolean",
    "str": "category",
    "string": "category",
    "object": "category",
    "category": "category",
}
_LOWER = {"greater_than_or_equal_to": "min_value", "in_range": "min_value"}
_UPPER = {"less_than_or_equal_to": "max_value", "in_range": "max_value"}


def input_columns(schema: Any, target: str, frame: pd.DataFrame) -> tuple[Column, ...]:
    """The columns of a row to be scored: all that the schema declares but the target.

    Limits and categories come from the schema's checks; categories that it does not name from `frame`.
    """
    if target not in schema.columns:
        raise UsageProblem(f"schema.py: TARGET is {target!r}, which SCHEMA does not declare")
    return tuple(_column(name, found, frame) for name, found in schema.columns.items() if name != target)


def digest(columns: Sequence[Column], target: str) -> str:
    """SHA-256 of what the raw table is declared to be."""
    text = json.dumps([target, [asdict(column) for column in columns]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def labels(frame: pd.DataFrame, target: str) -> tuple[Label, ...]:
    """The classes that occur, sorted as scikit-learn sorts them."""
    return tuple(label.item() if hasattr(label, "item") else label for label in sorted(frame[target].unique()))


def _column(name: str, found: Any, frame: pd.DataFrame) -> Column:
    dtype = str(found.dtype)
    kind = _KINDS.get(dtype.partition("[")[0]) or _number(dtype)
    if kind is None:
        raise UsageProblem(f"schema.py: column {name} is {dtype}; a model takes numbers, booleans and texts")
    checks = {check.name: dict(check.statistics or {}) for check in found.checks}
    if kind != "category":
        return Column(name, kind, found.nullable, _limit(checks, _LOWER), _limit(checks, _UPPER))
    allowed = checks.get("isin", {}).get("allowed_values")
    values = frame[name].dropna().unique() if allowed is None else allowed
    return Column(name, kind, found.nullable, categories=tuple(sorted(str(value) for value in values)))


def _number(dtype: str) -> Kind | None:
    lower = dtype.lower()
    if lower.startswith(("int", "uint")):
        return "integer"
    return "number" if lower.startswith("float") else None


def _limit(checks: dict[str, dict[str, Any]], names: dict[str, str]) -> float | None:
    for check, statistic in names.items():
        value = checks.get(check, {}).get(statistic)
        if value is not None:
            return float(value)
    return None
