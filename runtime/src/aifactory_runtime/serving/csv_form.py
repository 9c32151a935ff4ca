"""A table as CSV: a header of column names, then a row a line, each cell read by the rules of training."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import written
from aifactory_runtime.data.kinds import Unfit
from aifactory_runtime.serving import mlflow_forms
from aifactory_runtime.serving.mlflow_forms import NotRows

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Column

_COMMA = ","
_LONGEST_NUMBER = 1_000
"""Characters; no number that a float64 holds needs as many."""


def rows(text: str, columns: Mapping[str, Column], read: ReadSettings, most: int) -> list[Any]:
    """The 1 to `most` rows of a table, as JSON would have them.

    A cell that is not of its column's kind stays a text, for whoever checks the kinds. The separator is that of the
    table that the model learned from, or a comma.
    """
    separator = read.separator if read.separator in text.lstrip().partition("\n")[0] else _COMMA
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if line]
    except csv.Error:
        raise NotRows("the body is not valid CSV") from None
    header, data = (lines[0], lines[1:]) if lines else ([], [])
    if not 1 <= len(data) <= most:
        raise NotRows(f"send a header and 1 to {most} rows")
    if "" in header:
        raise NotRows("a column has no name: write the table without its index (pandas: to_csv(index=False))")
    named = mlflow_forms.named(header, data)
    return [{name: _value(cell, columns.get(name), read) for name, cell in row.items()} for row in named]


def _value(cell: str, column: Column | None, read: ReadSettings) -> Any:
    """What stands in a cell; of a column that no model sees the cell itself. A whole number may have decimals: 12.0."""
    if column is None:
        return cell
    kinds = {"integer": ("integer", "number")}.get(column.kind, (column.kind,))
    for kind in kinds if len(cell) <= _LONGEST_NUMBER or column.kind in {"text", "category"} else ():
        try:
            found = written.value(cell, kind, read, column.name)
        except Unfit:
            continue
        if isinstance(found, datetime):
            return found.isoformat()
        return cell if isinstance(found, float) and not math.isfinite(found) else found
    return cell
