"""The raw table's declaration, a pandera schema, as the input columns of a model and as a digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aifactory_runtime.data import column_names
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, Kind

_TEXTS = frozenset({"str", "string", "object", "category"})
_LOWER = {"greater_than_or_equal_to": "min_value", "in_range": "min_value", "str_length": "min_value"}
_UPPER = {"less_than_or_equal_to": "max_value", "in_range": "max_value", "str_length": "max_value"}
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f]')


def input_columns(schema: Any, target: str, ignored: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns of a row to be scored: all that the schema declares but the target and those that are `ignored`.

    Limits and categories come from the schema's checks. UsageProblem for a type that no model takes, and for a name
    that a table of ours gives a column of its own.
    """
    if target not in schema.columns:
        raise UsageProblem(f"schema.py: TARGET is {target!r}, which SCHEMA does not declare")
    strange = [name for name in ignored if name not in schema.columns or name == target]
    if strange:
        raise UsageProblem(f"schema.py: IGNORED names {strange[0]!r}, which is no column of SCHEMA beside the target")
    found = {name: column for name, column in schema.columns.items() if name not in {target, *ignored}}
    for name in map(str, schema.columns):
        if problem := column_names.problem(name, used=name in found, instead="name it in IGNORED"):
            raise UsageProblem(f"schema.py: {problem}")
    return tuple(_column(name, column) for name, column in found.items())


def kinds(schema: Any) -> dict[str, str]:
    """The kind of every column that `schema` declares, as a reader of files needs it; see `data/kinds.py`."""
    found = {str(name): _kind(str(column.dtype), _checks(column)) for name, column in schema.columns.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def digest(columns: Sequence[Column], target: str) -> str:
    """SHA-256 of what the raw table is declared to be; limits that were learned are no part of it."""
    said = [{key: value for key, value in asdict(column).items() if key != "cap"} for column in columns]
    text = json.dumps([target, said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _column(name: str, found: Any) -> Column:
    if _NOT_IN_NAMES.search(name):
        raise UsageProblem(f"schema.py: column {name!r} has a quote, backslash or line break in its name: rename it")
    dtype = str(found.dtype)
    checks = _checks(found)
    kind = _kind(dtype, checks)
    if kind is None:
        raise UsageProblem(
            f"schema.py: column {name} is {dtype}; a model takes numbers, booleans, texts and dates: declare it as one "
            "of them, or name it in IGNORED"
        )
    if kind != "category":
        return Column(name, kind, found.nullable, _limit(checks, _LOWER), _limit(checks, _UPPER))
    values = {str(value) for value in checks["isin"]["allowed_values"]}
    return Column(name, kind, found.nullable, categories=tuple(sorted(values)))


def _checks(column: Any) -> dict[str, dict[str, Any]]:
    return {check.name: dict(check.statistics or {}) for check in column.checks}


def _kind(dtype: str, checks: dict[str, dict[str, Any]]) -> Kind | None:
    plain = dtype.lower().partition("[")[0]
    if plain in _TEXTS:
        return "category" if "isin" in checks else "text"
    if plain in {"bool", "boolean"}:
        return "boolean"
    if plain.startswith(("int", "uint")):
        return "integer"
    if plain.startswith("float"):
        return "number"
    return "date" if plain == "datetime64" else None


def _limit(checks: dict[str, dict[str, Any]], names: dict[str, str]) -> float | None:
    for check, statistic in names.items():
        value = checks.get(check, {}).get(statistic)
        if isinstance(value, int | float):
            return float(value)
    return None
