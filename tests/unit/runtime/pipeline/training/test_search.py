"""The search: trials decided by the seed, none twice, the best on validation within the gap that is allowed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aifactory_runtime.config.search import SearchSettings
from aifactory_runtime.pipeline.training import search
from aifactory_runtime.pipeline.training.fitting import Fitted


def trials(seed: int = 1, most: int = 12, **space: Any) -> list[dict[str, Any]]:
    found = search._trials({"seed": 0}, SearchSettings.model_validate(space), seed)
    return [parameters for parameters, _ in zip(found, range(most), strict=False)]


def test_given_a_seed_when_tried_twice_then_the_trials_are_equal_and_another_seed_differs() -> None:
    space: dict[str, Any] = {"parameters": {"C": {"low": 0.01, "high": 10, "log": True}, "depth": [1, 2, 3]}}
    assert trials(1, **space) == trials(1, **space)
    assert trials(1, **space) != trials(2, **space)


def test_given_lists_when_tried_then_the_fixed_come_first_and_each_combination_once() -> None:
    found = trials(parameters={"a": [1, 2], "b": ["x", "y", "z"]}, most=100)
    assert found[0] == {"seed": 0}
    assert sorted((one["a"], one["b"]) for one in found[1:]) == [(a, b) for a in (1, 2) for b in "xyz"]


def test_given_a_range_when_tried_then_there_are_as_many_trials_as_are_asked() -> None:
    found = trials(parameters={"x": {"low": 0, "high": 1}}, most=2_500)
    assert len(found) == 2_500


def test_given_a_range_of_few_whole_numbers_when_all_were_tried_then_the_search_ends() -> None:
    found = trials(parameters={"x": {"low": 1, "high": 4, "whole": True}}, most=2_500)
    assert sorted(one["x"] for one in found[1:]) == [1, 2, 3, 4]


def test_given_algorithms_when_tried_then_they_take_turns_with_parameters_of_their_own() -> None:
    found = trials(
        algorithms={"trees": {"depth": [1, 2]}, "lines": {"C": {"low": 1, "high": 2}}},
        parameters={"shared": [7]},
        most=5,
    )
    assert [one.get("algorithm") for one in found] == [None, "lines", "trees", "lines", "trees"]
    assert all(one["shared"] == 7 for one in found[1:])
    assert "C" not in found[2] and "depth" not in found[1]


@given(
    low=st.floats(1e-6, 1e3),
    width=st.floats(1e-3, 1e3),
    log=st.booleans(),
    whole=st.booleans(),
    seed=st.integers(0, 100),
)
def test_given_a_range_when_drawn_then_values_lie_in_it(
    low: float, width: float, log: bool, whole: bool, seed: int
) -> None:
    given_range = {"low": low, "high": low + width, "log": log, "whole": whole}
    for one in trials(seed, parameters={"x": given_range})[1:]:
        assert low - (0.5 if whole else 1e-5 * low) <= one["x"] <= (low + width) * (1 + 1e-5) + (0.5 if whole else 0)
        assert isinstance(one["x"], int) == whole


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"parameters": {"a": []}},
        {"parameters": {"a": {"low": 2, "high": 1}}},
        {"parameters": {"a": {"low": 0, "high": 1, "log": True}}},
        {"parameters": {"a": [1]}, "budget_trials": 0},
        {"parameters": {"a": 3}},
    ],
)
def test_given_a_search_that_cannot_be_when_read_then_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchSettings.model_validate(values)


def fitted(name: str, validation: float, training: float, metric: str = "roc_auc") -> Fitted:
    figures = {f"validation.{metric}": validation, f"gap.{metric}": training - validation}
    return Fitted(name, {}, {key: value for key, value in figures.items() if not math.isnan(value)}, None)


def test_given_trials_when_chosen_then_the_best_on_validation_within_the_gap() -> None:
    found = [
        fitted("first", 0.8, 0.82),
        fitted("overfit", 0.9, 1.0),
        fitted("same", 0.8, 0.8),
        fitted("none", math.nan, 1),
    ]
    assert search._choose(found, "roc_auc", None).estimator == "overfit"
    assert search._choose(found, "roc_auc", 0.05).estimator == "first"
    assert search._choose(found[1:2], "roc_auc", 0.05).estimator == "overfit"


def test_given_errors_when_chosen_then_the_least() -> None:
    found = [fitted("large", 3.0, 3.0, "mae"), fitted("small", 2.0, 2.0, "mae"), fitted("none", math.nan, 1, "mae")]
    assert search._choose(found, "mae", None).estimator == "small"
