"""Losses lie from 0 to 1, whatever the labels are."""

from __future__ import annotations

import numpy as np
import pytest

from aifactory_runtime.livetest import losses


def test_given_classes_when_compared_then_a_wrong_one_costs_1() -> None:
    assert losses.of_classes(np.array(["a", "b", "c"]), np.array(["a", "c", "c"])).tolist() == [0, 1, 0]


def test_given_numbers_when_compared_then_errors_are_shares_of_the_limit_and_1_at_most() -> None:
    found = losses.of_numbers(np.array([1.0, 2, 3, 1e300]), np.array([1.0, 3, 13, -1e300]), 4.0)
    assert found.tolist() == [0, 0.25, 1, 1]


@pytest.mark.parametrize(
    ("labels", "limit"), [([1.0], 0.0), ([1.0], -1.0), ([1.0], float("nan")), ([float("nan")], 1.0)]
)
def test_given_what_cannot_be_compared_then_it_is_refused(labels: list[float], limit: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        losses.of_numbers(np.array(labels), np.array([0.5]), limit)


def test_given_errors_of_the_champion_when_a_limit_is_set_then_99_of_100_are_below() -> None:
    errors = np.arange(1_000.0)
    assert np.mean(errors <= losses.limit_of(np.zeros(1_000), errors)) == pytest.approx(0.99, abs=0.001)


@pytest.mark.parametrize("errors", [[0.0] * 200, [0.0] * 199 + [5.0]])
def test_given_a_champion_that_is_nearly_always_right_when_a_limit_is_set_then_it_is_above_zero(
    errors: list[float],
) -> None:
    limit = losses.limit_of(np.zeros(200), np.array(errors))
    assert limit > 0
    assert losses.of_numbers(np.zeros(1), np.ones(1), limit)[0] > 0
