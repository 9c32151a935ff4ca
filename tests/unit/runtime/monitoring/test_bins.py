"""Bins of columns: every row has one place, ties, missing and unseen values have bins of their own."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.monitoring import bins
from aifactory_runtime.monitoring.bins import Categories, Numbers


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """In two chunks, as tables come."""
    half = len(values) // 2
    whole = pa.array(values, kind)
    return pa.chunked_array([whole[:half], whole[half:]])


NUMBERS = st.lists(st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([0.0, 1.0])), max_size=60)


@given(NUMBERS, NUMBERS)
def test_given_any_numbers_when_placed_then_each_row_has_a_bin_in_order_of_value(
    reference: list[float | None], window: list[float | None]
) -> None:
    made = bins.of(column(reference, pa.float64()))
    places = made.place(column(window, pa.float64()))

    assert bins.counts(made, places).sum() == len(window)
    assert len(bins.counts(made, places)) == made.count
    assert [place == 0 for place in places] == [value is None for value in window]
    known = sorted((value, place) for value, place in zip(window, places.tolist(), strict=True) if value is not None)
    assert [place for _, place in known] == sorted(place for _, place in known)


def test_given_a_column_that_is_nearly_always_0_when_binned_then_0_has_a_bin_of_its_own() -> None:
    made = bins.of(column([0.0] * 98 + [1.0, 5.0]))
    places = made.place(column([0.0, -1.0, 0.5, None], pa.float64()))
    assert isinstance(made, Numbers)
    assert len(set(places.tolist())) == 4


def test_given_equal_quantiles_when_binned_then_each_edge_is_there_once() -> None:
    made = bins.of(column([1, 1, 1, 2, 2, 3] * 10))
    assert made == Numbers((1.0, 2.0, 3.0))


def test_given_categories_when_placed_then_missing_and_unseen_are_apart() -> None:
    made = bins.of(column(["a", "b", "b", None]))
    assert made == Categories(("b", "a"))
    assert made.place(column(["a", "b", None, "new"])).tolist() == [2, 1, 0, 3]


def test_given_more_categories_than_are_kept_when_binned_then_the_rarest_are_others() -> None:
    made = bins.of(column([f"{number:03}" for number in range(150) for _ in range(151 - number)]))
    assert isinstance(made, Categories)
    assert (len(made.values), made.values[0], made.values[-1]) == (bins.MOST_CATEGORIES, "000", "099")


@pytest.mark.parametrize(
    "values",
    [
        [date(2024, 1, 1), date(9999, 12, 31), None],
        [datetime(2024, 1, 1), datetime(2024, 1, 2), None],
        [Decimal("1.50"), Decimal("2.50"), None],
        [2**53 + 1, 2**62, None],
    ],
)
def test_given_times_decimals_and_great_numbers_when_binned_then_they_are_numbers(values: list[Any]) -> None:
    made = bins.of(column(values))
    assert isinstance(made, Numbers)
    assert len(set(made.place(column(values)).tolist())) == 3


@pytest.mark.parametrize("values", [[True, False, None], ["x", "y", None]])
def test_given_texts_and_truths_when_binned_then_they_are_categories(values: list[Any]) -> None:
    assert isinstance(bins.of(column(values)), Categories)


@pytest.mark.parametrize("kind", [pa.float64(), pa.string(), pa.int64(), pa.bool_()])
def test_given_a_column_with_nothing_in_it_when_binned_then_all_that_is_missing_has_a_place(kind: pa.DataType) -> None:
    made = bins.of(column([None, None], kind))
    assert made.place(column([None, None, None], kind)).tolist() == [0, 0, 0]
    assert made.place(column([], kind)).tolist() == []


def test_given_infinite_and_undefined_numbers_when_placed_then_only_the_undefined_are_missing() -> None:
    made = bins.of(column([1.0, 2.0, 3.0]))
    places = made.place(column([float("inf"), float("-inf"), float("nan")]))
    assert places.tolist() == [made.count - 1, 1, 0]
    assert np.isfinite(bins.of(column([1.0, float("nan")])).place(column([1.0]))).all()
