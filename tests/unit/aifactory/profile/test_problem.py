"""Whether a target of numbers is a regression or holds classes: each limit, and one beside it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from aifactory.profile import problem
from aifactory.profile.column import ColumnScan


def scanned(values: list[float], rows: int) -> ColumnScan:
    """A column of so many rows in which the values take turns."""
    stored = "integer" if all(isinstance(value, int) for value in values) else "number"
    column = ColumnScan("y", stored)
    kind = pa.int64() if stored == "integer" else pa.float64()
    column.add(pa.array([values[row % len(values)] for row in range(rows)], kind))
    return column


def of(column: ColumnScan) -> str:
    return problem.find(column, np.arange(3.0), None).name


@pytest.mark.parametrize(
    ("values", "rows", "name"),
    [
        ([0, 1], 20, "classification"),
        ([0.25, 0.5], 20, "classification"),  # two values are two classes, whatever they are
        ([-1e9, 1e9], 20, "classification"),
        ([0, 1, 2], 30, "classification"),
        ([0, 1, 2], 29, "regression"),  # a tenth as many values as rows
        ([0.0, 1.0, 2.0], 30, "classification"),
        ([0.0, 1.0, 2.5], 300, "regression"),  # no whole number
        (list(range(20)), 200, "classification"),
        (list(range(20)), 199, "regression"),
        (list(range(21)), 2100, "regression"),  # never more than twenty
        ([0, 7, 39], 300, "classification"),
        ([0, 7, 40], 300, "regression"),  # forty apart
        ([-20, 0, 19], 300, "classification"),
        ([-20, 0, 20], 300, "regression"),
    ],
)
def test_given_numbers_at_a_limit_when_judged_then_it_is_a_class_up_to_it_and_a_number_beyond(
    values: list[float], rows: int, name: str
) -> None:
    assert of(scanned(values, rows)) == name


def test_given_missing_values_when_judged_then_only_rows_with_one_count() -> None:
    column = ColumnScan("y", "integer")
    column.add(pa.array([row % 3 for row in range(29)] + [None] * 100, pa.int64()))
    assert of(column) == "regression"


@pytest.mark.parametrize("stored", ["text", "boolean"])
def test_given_texts_or_truth_values_when_judged_then_they_are_classes(stored: str) -> None:
    column = ColumnScan("y", stored)
    values = [f"v{row % 5}" for row in range(60)] if stored == "text" else [row % 2 == 0 for row in range(60)]
    column.add(pa.array(values))
    assert of(column) == "classification"
