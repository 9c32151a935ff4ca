"""Two models on the same rows: small p for what is worse, exact in its level for what is alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.gate import paired
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.gate.shuffled_figures import ranks
from aifactory_runtime.pipeline import scores

CLASSIFICATION: tuple[Metric, ...] = ("roc_auc", "accuracy", "log_loss", "f1")
REGRESSION: tuple[Metric, ...] = ("rmse", "r2", "mae", "median_ae")
Draw = np.random.Generator


def classifier(truth: np.ndarray, noise: float, draw: Draw, classes: int = 2) -> Answers:
    scored = draw.normal(scale=noise, size=(len(truth), classes))
    scored[np.arange(len(truth)), truth] += 1.0
    shares = np.exp(scored) / np.exp(scored).sum(axis=1, keepdims=True)
    return Answers(shares.argmax(axis=1), shares, tuple(range(classes)))


def regressor(truth: np.ndarray, noise: float, draw: Draw) -> Answers:
    return Answers(truth + draw.normal(scale=noise, size=len(truth)), None)


def rows(metric: Metric, count: int, draw: Draw, classes: int = 2) -> tuple[np.ndarray, Any]:
    """Labels, and what makes a model of a noise."""
    if metric in REGRESSION:
        truth = draw.normal(size=count)
        return truth, lambda noise: regressor(truth, noise, draw)
    labels = draw.integers(0, classes, count)
    return labels, lambda noise: classifier(labels, noise, draw, classes)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("metric", [*CLASSIFICATION, *REGRESSION])
def test_given_a_model_with_more_noise_when_tested_then_it_is_worse_and_the_other_is_not(
    metric: Metric, classes: int
) -> None:
    labels, model = rows(metric, 400, np.random.default_rng(1), classes)
    good, bad = model(0.5), model(2.0)
    assert paired.worse(metric, labels, bad, good) <= 0.0025
    assert paired.worse(metric, labels, good, bad) > 0.5


@pytest.mark.parametrize("metric", [*CLASSIFICATION, *REGRESSION])
def test_given_models_that_are_alike_when_tested_then_few_are_called_worse(metric: Metric) -> None:
    draw = np.random.default_rng(2)
    found = []
    for seed in range(200):
        labels, model = rows(metric, 40, draw)
        found.append(paired.worse(metric, labels, model(1.0), model(1.0), most_p=0.05, seed=seed))
    assert np.mean(np.array(found) <= 0.05) < 0.1


@pytest.mark.heavy
@pytest.mark.parametrize("metric", [*CLASSIFICATION, *REGRESSION])
@given(seed=st.integers(0, 999), count=st.integers(2, 30), classes=st.sampled_from([2, 3]))
def test_given_two_models_when_their_gains_are_taken_then_they_differ_as_the_pipeline_s_figures(
    metric: Metric, seed: int, count: int, classes: int
) -> None:
    draw = np.random.default_rng(seed)
    labels, model = rows(metric, count, draw, classes)
    own, other = model(1.0), model(1.0)
    sign = -1 if metric in LOWER_IS_BETTER else 1
    known = () if metric in REGRESSION else tuple(range(classes))
    figures = [scores.of_answers(labels, one.judged, known).get(metric) for one in (own, other)]
    everyone = np.ones((1, count), dtype=bool)
    gain = paired._gain(metric, labels, own, other)
    found = float((gain(everyone) - gain(~everyone))[0])
    if figures[0] is None or figures[1] is None:
        assert not found > 0
    else:
        assert np.sign(round(found, 9)) == np.sign(round(sign * (figures[0] - figures[1]), 9))


def test_given_swapped_ranks_when_scored_at_once_then_each_is_the_roc_auc_of_the_mixture() -> None:
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 2, 40)
    own, other = draw.normal(size=40).round(1), draw.normal(size=40).round(1)  # rounded: ties
    swaps = draw.integers(0, 2, (7, 40)).astype(bool)
    ranked = [ranks(one) for one in (own, other)]
    mixed = [np.where(one, *ranked) for one in swaps]
    expected = [scores.of_answers(labels, np.column_stack([-one, one]), (0, 1))["roc_auc"] for one in mixed]
    assert np.allclose(paired._roc_auc(labels == 1, own, other)(swaps), expected)


def test_given_the_same_answers_when_tested_then_they_are_not_worse() -> None:
    labels, model = rows("roc_auc", 50, np.random.default_rng(4))
    same = model(1.0)
    assert paired.worse("roc_auc", labels, same, same) == 1.0


def test_given_a_class_that_the_other_does_not_know_when_tested_then_its_rows_count_against_it() -> None:
    labels, model = rows("log_loss", 200, np.random.default_rng(5), 3)
    whole = model(0.5)
    shares = whole.shares[:, :2] / whole.shares[:, :2].sum(axis=1, keepdims=True)
    less = Answers(shares.argmax(axis=1), shares, (0, 1))
    assert paired.worse("log_loss", labels, less, whole) <= 0.0025
    assert paired.worse("log_loss", labels, whole, less) > 0.5


def test_given_rows_of_few_customers_when_tested_then_customers_count_and_not_rows() -> None:
    draw = np.random.default_rng(6)
    truth = np.zeros(400)
    customers = np.repeat(np.arange(4), 100)
    off = np.abs(draw.normal(size=4))[customers]
    own, other = Answers(off + 0.01 * np.abs(draw.normal(size=400)), None), Answers(truth, None)
    assert paired.worse("mae", truth, own, other) <= 0.0025
    assert paired.worse("mae", truth, own, other, units=customers) > 1 / 32, "four coins fall alike in one of 16 cases"


def test_given_a_clear_loss_when_tested_then_p_is_smaller_than_swaps_can_count() -> None:
    labels, model = rows("mae", 200, np.random.default_rng(7))
    assert paired.worse("mae", labels, model(3.0), model(0.1), most_p=0.0001) <= 0.0001


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_given_moments_when_put_into_blocks_then_blocks_follow_time_and_are_forty_at_most(times: list[float]) -> None:
    moments = np.array(times)
    found = paired.blocks(moments)
    assert len(np.unique(found)) == min(paired.BLOCKS, len(times))
    order = np.argsort(moments, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
