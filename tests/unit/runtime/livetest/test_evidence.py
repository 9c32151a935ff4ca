"""Evidence of a live test: the fortune is what the bets make by exact arithmetic, and the interval holds the mean."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.livetest import evidence

UNITS = st.lists(st.integers(-10, 10).map(lambda tenths: tenths / 10), max_size=60)


@pytest.mark.heavy
@given(UNITS)
def test_given_units_when_bets_are_settled_then_the_fortune_is_that_of_exact_arithmetic(units: list[float]) -> None:
    fortunes = []
    for bet in evidence.BETS:
        fortune = Fraction(1)
        for unit in units:
            fortune *= 1 + Fraction(float(bet)) * Fraction(unit)
        fortunes.append(fortune)
    exact = sum(fortunes, Fraction(0)) / len(fortunes)

    assert evidence.log_fortune(np.array(units)) == pytest.approx(math.log(exact), abs=1e-9)


@given(UNITS, st.integers(1, 59))
def test_given_units_in_another_order_when_bets_are_settled_then_nothing_differs(units: list[float], by: int) -> None:
    turned = units[by:] + units[:by]
    assert evidence.log_fortune(np.array(turned)) == pytest.approx(evidence.log_fortune(np.array(units)), abs=1e-9)


def test_given_no_units_then_nothing_is_won_and_the_mean_may_be_anything() -> None:
    assert evidence.log_fortune(np.empty(0)) == 0
    assert not evidence.proven(np.empty(0))
    assert evidence.interval(np.empty(0)) == (-1, 1)


@pytest.mark.parametrize("units", [[1.01], [float("nan")], [-2.0], [[0.5]]])
def test_given_what_is_no_unit_when_bets_are_settled_then_it_is_refused(units: list[float]) -> None:
    with pytest.raises(ValueError, match="from -1 to 1"):
        evidence.log_fortune(np.array(units))


def test_given_more_units_than_are_looked_at_at_once_then_the_fortune_is_that_of_their_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    units = np.random.default_rng(0).uniform(-1, 1, 1_000)
    whole = evidence.log_fortune(units)
    monkeypatch.setattr(evidence, "_BLOCK", 7)
    assert evidence.log_fortune(units) == pytest.approx(whole)


def test_given_units_with_a_known_mean_when_asked_for_the_interval_then_it_holds_it_and_grows_narrow() -> None:
    draw = np.random.default_rng(1)
    units = draw.choice([1, -1, 0], 4_000, p=[0.05, 0.02, 0.93])

    low, high = evidence.interval(units)
    early_low, early_high = evidence.interval(units[:200])

    assert low < 0.03 < high
    assert low > 0
    assert high - low < (early_high - early_low) / 2


def test_given_turned_units_when_asked_for_the_interval_then_it_is_turned_too() -> None:
    units = np.random.default_rng(2).uniform(-0.2, 0.6, 300)
    low, high = evidence.interval(units)
    assert evidence.interval(-units) == pytest.approx((-high, -low), abs=3e-4)


@pytest.mark.heavy
def test_given_units_of_mean_zero_when_looked_at_after_each_period_then_few_of_many_tests_promote() -> None:
    draw = np.random.default_rng(3)
    assert _promoted(draw.choice([1.0, -1.0, 0.0], (400, 2_000), p=[0.05, 0.05, 0.9])) <= 0.05 + 0.02


def test_given_a_challenger_that_is_right_more_often_then_half_of_the_tests_promote_by_600_labels() -> None:
    draw = np.random.default_rng(4)
    assert _promoted(draw.choice([1.0, -1.0, 0.0], (400, 600), p=[0.05, 0.02, 0.93])) >= 0.5


def _promoted(tests: np.ndarray) -> float:
    """The share of tests, of shape (tests, units), whose fortune reached 20 at any unit."""
    bets = evidence.BETS[:, None]
    reached = 0
    for units in tests:
        fortunes = np.cumsum(np.log1p(bets * units[None, :]), axis=1)
        reached += bool((np.exp(fortunes).mean(axis=0) >= 1 / evidence.ALPHA).any())
    return reached / len(tests)
