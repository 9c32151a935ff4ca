"""Cuts of a column: each row lies in one slice, however rows come; names say which rows these are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.gate import cuts
from aifactory_runtime.gate.cuts import Bins, Cut, Levels

texts = st.lists(st.one_of(st.none(), st.sampled_from("abcdefghijklmnop")), min_size=1, max_size=60)
floats = st.lists(st.one_of(st.none(), st.floats(allow_infinity=True, allow_nan=False)), min_size=1, max_size=60)
days = st.lists(st.one_of(st.none(), st.datetimes()), min_size=1, max_size=60)


def series(values: list[Any], kind: str) -> pd.Series[Any]:
    dtype: Any = {"levels": object, "numbers": np.float64, "dates": "datetime64[us]"}[kind]
    return pd.Series(values, dtype=dtype)


def cut_of(chunks: list[pd.Series[Any]], kind: str) -> Cut:
    if kind == "levels":
        found = cuts.levels("c", iter(chunks))[0]
        assert found is not None
        return found
    return cuts.bins("c", iter(chunks), dates=kind == "dates")


def in_parts(rows: pd.Series[Any], size: int) -> list[pd.Series[Any]]:
    return [rows.iloc[start : start + size] for start in range(0, len(rows), size)]


@pytest.mark.parametrize(("kind", "made"), [("levels", texts), ("numbers", floats), ("dates", days)])
@given(data=st.data())
def test_given_any_column_when_cut_then_every_row_has_a_slice_whatever_the_order_and_the_chunks(
    kind: str, made: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    values = data.draw(made)
    size = data.draw(st.integers(1, len(values)))
    other = data.draw(st.permutations(values))
    rows = series(values, kind)

    cut = cut_of([rows], kind)
    places = cut.place(rows)

    assert np.bincount(places, minlength=len(cut.names)).sum() == len(rows)
    assert places.min() >= 0 and places.max() < len(cut.names)
    assert ((places == len(cut.names) - 1) == rows.isna().to_numpy()).all(), "missing has a slice of its own"
    assert cut_of(in_parts(series(list(other), kind), size), kind) == cut
    assert np.concatenate([cut.place(part) for part in in_parts(rows, size)]).tolist() == places.tolist()


@given(floats)
def test_given_numbers_when_cut_then_no_slice_of_them_is_empty_and_bins_rise(values: list[float | None]) -> None:
    rows = series(values, "numbers")
    cut = cuts.bins("c", [rows])
    counts = np.bincount(cut.place(rows), minlength=len(cut.names))
    assert (counts[:-1] > 0).all() or rows.isna().all()
    assert list(cut.edges) == sorted(set(cut.edges))


def test_given_numbers_when_named_then_edges_belong_to_the_slice_below() -> None:
    cut = cuts.bins("income", [pd.Series([1.0, 2.0, 3.0, 4.0])])
    assert cut.names == ("income ≤ 1", "1 < income ≤ 2", "2 < income ≤ 3", "income > 3", "income: missing")
    assert cut.place(pd.Series([1.0, 1.5, 3.0, 9.0, np.nan])).tolist() == [0, 1, 2, 3, 4]


def test_given_whole_numbers_and_truth_values_with_nulls_when_cut_then_null_is_missing() -> None:
    whole = cuts.bins("n", [pd.Series([1, 2, None], dtype="Int64")])
    assert whole.place(pd.Series([None, 2], dtype="Int64")).tolist() == [2, 1]
    truth = cuts.levels("b", [pd.Series([True, True, False, None], dtype="boolean")])[0]
    assert truth is not None and truth.names == ("b = True", "b = False", "b: any other", "b: missing")
    assert truth.place(pd.Series([False, True])).tolist() == [1, 0]


def test_given_a_value_on_most_rows_when_cut_then_there_are_fewer_slices() -> None:
    assert cuts.bins("c", [pd.Series([0.0] * 9 + [5.0])]).names == ("c ≤ 0", "c > 0", "c: missing")
    assert cuts.bins("c", [pd.Series([2.0, 2.0])]).names == ("c: any value", "c: missing")
    assert cuts.bins("c", [pd.Series([np.nan])]) == Bins("c", ())


def test_given_dates_when_named_then_they_are_read_as_dates() -> None:
    rows = pd.Series(np.array(["2026-01-01", "2026-01-02T10:30", "2026-01-03", "2026-01-04"], "datetime64[us]"))
    assert cuts.bins("d", [rows], dates=True).names[:2] == ("d ≤ 2026-01-01", "2026-01-01 < d ≤ 2026-01-02 10:30")


def test_given_many_values_when_cut_then_the_most_frequent_have_slices_and_new_ones_share_one() -> None:
    rows = pd.Series([value for place in range(12) for value in ["abcdefghijkl"[place]] * (20 - place)])
    found, count = cuts.levels("c", [rows])
    assert found == Levels("c", tuple("abcdefghij")) and count == 12
    assert found.place(pd.Series(["a", "k", "new", None])).tolist() == [0, 10, 10, 11]


def test_given_more_values_than_make_slices_when_cut_then_there_is_no_cut_and_reading_ends() -> None:
    read = []

    def chunks() -> Any:
        for start in range(0, 50, 10):
            read.append(start)
            yield pd.Series([str(number) for number in range(start, start + 10)])

    assert cuts.levels("c", chunks(), 15)[0] is None
    assert read == [0, 10]
