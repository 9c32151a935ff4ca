"""A table as CSV: a header of column names, then a row a line, each cell read by the rules of training."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import cell_reading, column_names, csv_layout, sum_rows
from aifactory_runtime.data.kinds import Unfit
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving import mlflow_forms
from aifactory_runtime.serving.mlflow_forms import NotRows

if TYPE_CHECKING:
    from aifactory_runtime.registry.model_folder import Column

_LONGEST_NUMBER = 1_000
"""Characters; no number that a float64 holds needs as many."""


def rows(text: str, columns: Mapping[str, Column], unused: Collection[str], read: ReadSettings, most: int) -> list[Any]:
    """The 1 to `most` rows of a table, as JSON would have them; a body in the form of the table is read as it is.

    A cell that is not of its column's kind stays a text, for whoever checks the kinds. The separator is that of the
    table that the model learned from, or the one by which the header has most columns of the model.
    """
    known = {*columns, *unused}
    try:
        lines = _lines(text, _separator(text, known, read))
    except csv.Error:
        raise NotRows("the body is not valid CSV") from None
    given, data = (lines[0], lines[1:]) if lines else ([], [])
    if not 1 <= len(data) <= most:
        raise NotRows(f"send a header and 1 to {most} rows")
    header = _names(given, known)
    _check_sum(header, data, columns)
    named = mlflow_forms.named(header, data)
    return [{name: _value(cell, columns.get(name), read) for name, cell in row.items()} for row in named]


def _lines(text: str, separator: str) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if line]


def _separator(text: str, known: Collection[str], read: ReadSettings) -> str:
    """Of equals the first: the table's, then a comma."""
    found = {}
    for separator in (read.separator, *csv_layout.SEPARATORS):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        names = {name.strip() for name in next(filter(None, reader), [])}
        found[separator] = len(names.intersection(known)), len(names)
    return max(found, key=lambda separator: found[separator])


def _names(given: list[str], known: Collection[str]) -> list[str]:
    """Names of columns as the table's reader makes them; NotRows where two are one, or one has no name of its own."""
    if len(set(given)) != len(given) and "" not in given:
        raise NotRows("a column is named twice")
    try:
        names = column_names.unique("the body", given)
    except FactoryError:
        raise NotRows("a column is named twice, or two names look alike") from None
    if any(not name.strip() and made not in known for name, made in zip(given, names, strict=True)):
        raise NotRows("a column has no name: write the table without its index (pandas: to_csv(index=False))")
    return names


def _check_sum(header: list[str], data: list[list[str]], columns: Mapping[str, Column]) -> None:
    """NotRows when a word in one of the last rows says that it sums up others, as the table's reader has it."""
    if len(data) <= sum_rows.LEAST_ABOVE:
        return
    for below, row in enumerate(data[: -sum_rows.LAST - 1 : -1]):
        for place, (name, cell) in enumerate(zip(header, row, strict=False)):
            found = sum_rows.word(cell)
            known = columns[name].categories or () if name in columns else ()
            if not sum_rows.is_sum(cell) or cell.strip() in known:
                continue
            if sum(sum_rows.word(other[place]) == found for other in data if len(other) > place) == 1:
                raise NotRows(sum_rows.sentence(found, below))


def _value(cell: str, column: Column | None, read: ReadSettings) -> Any:
    """What stands in a cell; of a column that no model sees the cell itself. A whole number may have decimals: 12.0."""
    if column is None:
        return cell
    kinds = {"integer": ("integer", "number")}.get(column.kind, (column.kind,))
    for kind in kinds if len(cell) <= _LONGEST_NUMBER or column.kind in {"text", "category"} else ():
        try:
            found = cell_reading.value(cell, kind, read, column.name)
        except Unfit:
            continue
        if isinstance(found, datetime):
            return found.isoformat()
        return cell if isinstance(found, float) and not math.isfinite(found) else found
    return cell
