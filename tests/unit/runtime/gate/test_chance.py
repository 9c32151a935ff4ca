"""How often chance does as well: near 1 for what learned nothing, exact in its level, never under 0.01 for few rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_runtime.gate import chance
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.gate.shuffled_figures import of_classes, of_numbers
from aifactory_runtime.pipeline import scores

CLASSIFICATION: tuple[Metric, ...] = ("roc_auc", "accuracy", "log_loss", "f1")
REGRESSION: tuple[Metric, ...] = ("rmse", "r2", "mae", "median_ae")
Draw = np.random.Generator


def said(shares: np.ndarray, classes: tuple[object, ...] = (0, 1)) -> Answers:
    return Answers(np.asarray(classes)[shares.argmax(axis=1)], shares, classes)


def two(of_second: np.ndarray) -> Answers:
    return said(np.column_stack([1 - of_second, of_second]))


def numbers(predicted: np.ndarray) -> Answers:
    return Answers(predicted, None)


@pytest.mark.heavy
@pytest.mark.parametrize("metric", CLASSIFICATION)
@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c"), (False, True), (0, 1, 2, 3)])
def test_given_shuffled_labels_when_scored_at_once_then_each_is_the_figure_of_the_pipeline(
    metric: Metric, classes: tuple[object, ...]
) -> None:
    draw = np.random.default_rng(1)
    shares = draw.dirichlet(np.ones(len(classes)), 40).round(1) + 0.01  # rounded: ties
    labels = np.asarray(classes)[draw.integers(0, len(classes), 40)]
    shuffles = draw.permuted(np.tile(np.arange(40), (5, 1)), axis=1)
    sign = -1 if metric in LOWER_IS_BETTER else 1

    for positive in (None, classes[0]):
        codes, score = of_classes(metric, labels, shares, classes, positive)
        expected = [scores.of_answers(labels[index], shares, classes, positive) for index in shuffles]
        assert np.allclose(score(codes[shuffles]), [sign * one[metric] for one in expected], rtol=1e-12)


@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_given_a_label_that_the_model_does_not_know_when_scored_at_once_then_as_the_pipeline_does(
    metric: Metric,
) -> None:
    labels = np.array(["a", "b", "new", "a", "b", "a"])
    shares = np.random.default_rng(0).dirichlet([1, 1], 6)
    codes, score = of_classes(metric, labels, shares, ("a", "b"), None)
    expected = scores.of_answers(labels, shares, ("a", "b"))
    sign = -1 if metric in LOWER_IS_BETTER else 1
    assert math.isclose(score(codes[None, :])[0], sign * expected[metric], rel_tol=1e-12)


@settings(max_examples=40)
@given(
    st.sampled_from(REGRESSION),
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20).filter(lambda found: np.ptp(found) > 1e-3),
    st.integers(0, 99),
)
def test_given_numbers_when_scored_at_once_then_they_order_models_as_the_pipeline_s_figures(
    metric: Metric, labels: list[float], seed: int
) -> None:
    truth, guess = np.array(labels), np.random.default_rng(seed).normal(size=len(labels))
    found = of_numbers(metric, truth, guess)(truth[None, :])[0]
    expected = scores.of_answers(truth, guess, ())[metric]
    largest = max(np.abs(truth).max(), np.abs(guess).max())
    assert math.isclose(found * (1 if metric == "r2" else -largest), expected, rel_tol=1e-9)


@settings(max_examples=60)
@given(
    st.sampled_from(CLASSIFICATION + REGRESSION),
    st.integers(2, 60),
    st.integers(0, 999),
    st.sampled_from([None, "groups", "times"]),
    st.floats(-1e12, 1e12).filter(lambda number: number == 0 or abs(number) > 1e-3),
)
def test_given_constant_answers_when_tested_then_chance_always_does_as_well(
    metric: Metric, rows: int, seed: int, how: str | None, constant: float
) -> None:
    draw = np.random.default_rng(seed)
    together = {how: draw.integers(0, 5, rows)} if how else {}
    labels: np.ndarray
    if metric in CLASSIFICATION:
        answers, labels = two(np.full(rows, 0.3)), draw.integers(0, 2, rows)
    else:
        answers, labels = numbers(np.full(rows, constant)), draw.normal(constant, 1 + abs(constant) / 1e3, rows)
    assert chance.of(metric, labels, answers, seed=seed, **together).p == 1.0


@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_given_the_truth_when_tested_then_p_is_the_least_there_is(metric: Metric) -> None:
    labels = np.arange(60) % 2
    assert chance.of(metric, labels, two(labels * 0.8 + 0.1)).p == 1 / 1000


@pytest.mark.parametrize("metric", REGRESSION)
def test_given_exact_numbers_when_tested_then_p_is_the_least_there_is(metric: Metric) -> None:
    labels = np.random.default_rng(0).normal(size=60) * 1e200
    assert chance.of(metric, labels, numbers(labels * 0.9)).p == 1 / 1000


@pytest.mark.heavy
def test_given_a_seed_when_tested_twice_then_p_is_the_same() -> None:
    draw = np.random.default_rng(3)
    labels, answers = draw.integers(0, 2, 7_000), two(draw.random(7_000))
    assert chance.of("roc_auc", labels, answers, seed=5) == chance.of("roc_auc", labels, answers, seed=5)


def independent(draw: Draw) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    return draw.integers(0, 2, 60), draw.random(60), {}


def grouped(draw: Draw) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Customers with many rows each: label and answer are the customer's."""
    lengths = draw.geometric(0.3, 25)
    groups = np.repeat(np.arange(25), lengths)
    labels, answers = np.repeat(draw.integers(0, 2, 25), lengths), np.repeat(draw.random(25), lengths)
    return labels, answers, {"groups": groups}


def drifting(draw: Draw) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Labels and answers that each resemble their own of the day before, and not one another."""
    steps = draw.normal(size=(2, 200))
    for day in range(1, 200):
        steps[:, day] += 0.9 * steps[:, day - 1]
    labels = (steps[0] > np.median(steps[0])).astype(int)
    return labels, 1 / (1 + np.exp(-steps[1])), {"times": np.arange(200)}


@pytest.mark.slow
@pytest.mark.parametrize("make", [independent, grouped, drifting])
def test_given_answers_that_know_nothing_when_tested_often_then_one_in_a_hundred_passes(make: object) -> None:
    assert callable(make)
    passed = alone = 0
    for seed in range(200):
        labels, answers, together = make(np.random.default_rng(seed))
        passed += chance.of("roc_auc", labels, two(answers), seed=seed, **together).p <= chance.MOST_P
        if seed < 60:
            alone += chance.of("roc_auc", labels, two(answers), seed=seed).p <= chance.MOST_P
    assert passed <= 6  # 2 are expected; more than 6 in 200 would come in 4 of 1,000 draws
    assert make is independent or alone > 5  # the rows counted one by one would let much more pass


@pytest.mark.parametrize(
    ("rows", "ones", "together", "enough"),
    [
        (6, 3, {}, False),  # 20 ways to lay three labels on six rows
        (10, 4, {}, True),  # 210 ways
        (200, 1, {}, True),
        (50, 25, {"times": np.arange(50)}, False),  # 49 shifts
        (99, 50, {"times": np.arange(99)}, False),
        (100, 50, {"times": np.arange(100)}, True),
        (80, 40, {"groups": np.arange(80) // 20}, False),  # 6 ways to order two and two equal groups
        (80, 40, {"groups": np.arange(80) // 8}, True),
    ],
)
def test_given_few_rows_when_tested_then_it_says_whether_they_can_be_told_from_chance(
    rows: int, ones: int, together: dict[str, Any], enough: bool
) -> None:
    labels = (np.arange(rows) < ones).astype(int)
    found = chance.of("roc_auc", labels, two(labels * 0.8 + 0.1), **together)
    assert (found.least <= chance.MOST_P) is enough
    assert enough or found.p > chance.MOST_P


def test_given_missing_groups_when_tested_then_they_are_one_group() -> None:
    groups = np.array([math.nan, math.nan, 1.0, 1.0, 2.0, 2.0])
    labels = np.array([0, 0, 1, 1, 1, 1])
    assert chance.of("accuracy", labels, two(labels * 0.8 + 0.1), groups=groups).least == pytest.approx(1 / 3)
