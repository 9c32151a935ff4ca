"""Statistics merged from partitions are those of one process, wherever the rows are cut."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.training import statistics

Array = np.ndarray[Any, Any]
SHARES = [0.05, 0.25, 0.5, 0.75, 0.9]


def each(values: Array, cuts: list[int]) -> Callable[[Callable[[Array, Array], Any]], Iterator[Any]]:
    def run(function: Callable[[Array, Array], Any]) -> Iterator[Any]:
        for part in np.split(values, sorted(cuts)):
            yield function(part, np.zeros(len(part)))

    return run


@st.composite
def columns(draw: st.DrawFn) -> tuple[Array, list[int]]:
    """Values of which some are missing, equal, large or tiny, and where they are cut."""
    rows = draw(st.integers(1, 60))
    number = st.one_of(
        st.just(float("nan")),
        st.sampled_from([0.0, -0.0, 1.0, 1.0, -1.5]),
        st.floats(-1e6, 1e6),
        st.floats(-1e-300, 1e-300),
    )
    values = np.array(draw(st.lists(st.tuples(number, number), min_size=rows, max_size=rows)))
    return values, draw(st.lists(st.integers(0, rows), max_size=4))


@settings(max_examples=150, deadline=None)
@given(columns())
def test_given_any_cut_when_merged_then_moments_are_those_of_all_rows(given: tuple[Array, list[int]]) -> None:
    values, cuts = given
    found = statistics.moments(each(values, cuts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.count.tolist() == (~np.isnan(values)).sum(axis=0).tolist()
        np.testing.assert_allclose(found.mean, np.nanmean(values, axis=0), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(found.variance, np.nanvar(values, axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(found.least, np.nanmin(values, axis=0))
        np.testing.assert_array_equal(found.most, np.nanmax(values, axis=0))


@settings(max_examples=150, deadline=None)
@given(columns(), st.sampled_from([1, 3, 100_000]))
def test_given_any_cut_when_asked_then_medians_and_quantiles_are_exact(
    given: tuple[Array, list[int]], looked_at: int
) -> None:
    values, cuts = given
    run, count = each(values, cuts), (~np.isnan(values)).sum(axis=0)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(statistics, "_LOOKED_AT", looked_at)
        np.testing.assert_array_equal(statistics.medians(run, count), np.nanmedian(values, axis=0))
        np.testing.assert_array_equal(statistics.quantiles(run, count, SHARES), np.nanquantile(values, SHARES, axis=0))


@settings(max_examples=100, deadline=None)
@given(columns())
def test_given_any_cut_when_counted_then_the_most_frequent_is_scikit_learns(given: tuple[Array, list[int]]) -> None:
    values, cuts = given
    expected = SimpleImputer(strategy="most_frequent", keep_empty_features=True).fit(values).statistics_
    found = statistics.most_frequent(each(values, cuts), ["x", "y"])
    np.testing.assert_array_equal(np.nan_to_num(found), np.nan_to_num(expected))


def test_given_too_many_different_values_when_counted_then_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_VALUES", 5)
    with pytest.raises(UsageProblem, match="income has more than 5 different values"):
        statistics.most_frequent(each(np.arange(12.0).reshape(6, 2), [3]), ["income", "age"])
