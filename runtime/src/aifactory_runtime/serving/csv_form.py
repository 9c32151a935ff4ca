"""A table as CSV: a header of column names, then a row a line, each cell read by the kind of its column."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aifactory_runtime.serving import mlflow_forms
from aifactory_runtime.serving.mlflow_forms import NotRows

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Column

_NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_TRUTH = {"true": True, "false": False}


def rows(text: str, columns: Mapping[str, Column], most: int) -> list[Any]:
    """The 1 to `most` rows of a table; an empty cell is null, and one that is not of its column's kind stays a text."""
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error:
        raise NotRows("the body is not valid CSV") from None
    header, data = (lines[0], lines[1:]) if lines else ([], [])
    if not 1 <= len(data) <= most:
        raise NotRows(f"send a header and 1 to {most} rows")
    if "" in header:
        raise NotRows("a column has no name: write the table without its index (pandas: to_csv(index=False))")
    named = mlflow_forms.named(header, data)
    return [{name: _value(cell, columns.get(name)) for name, cell in row.items()} for row in named]


def _value(cell: str, column: Column | None) -> Any:
    if not cell:
        return None
    kind = None if column is None else column.kind
    if kind == "boolean":
        return _TRUTH.get(cell.strip().lower(), cell)
    if kind == "integer" and _WHOLE.fullmatch(cell.strip()):
        return int(cell)
    if kind in {"number", "integer"} and _NUMBER.fullmatch(cell.strip()):
        number = float(cell)
        return number if math.isfinite(number) else cell
    return cell
