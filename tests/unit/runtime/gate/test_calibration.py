"""Calibration: a model that says what comes true passes, one that is too sure is refused, few rows are chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from aifactory_runtime.gate import calibration
from aifactory_runtime.gate.chance import Answers

pytestmark = pytest.mark.heavy


def drawn(rows: int, seed: int = 0, *, sure: float = 1.0) -> tuple[np.ndarray, Answers]:
    """Labels as often as a model says; `sure` above 1 makes it say more than it knows."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(size=rows)
    labels = np.where(draw.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    told = 1 / (1 + np.exp(-odds * sure))
    shares = np.stack([1 - told, told], axis=1)
    return labels, Answers(np.where(told > 0.5, "yes", "no"), shares, ("no", "yes"))


def test_given_a_model_that_is_too_sure_when_judged_then_it_is_refused_with_figures() -> None:
    labels, said = drawn(1_000, sure=4.0)
    found = calibration.of(labels, said, labels, 0.05, seed=1)
    [reason] = found.objections
    assert reason.startswith("calibration: probabilities lie 0.229 from ") and "1000 rows, 0.05 at most" in reason
    assert found.report["error"] > found.report["by_chance"] and found.report["p"] <= 0.01
    assert calibration.of(labels, said, labels, None, seed=1).objections == ()
    assert calibration.of(labels, said, labels, 0.5, seed=1).objections == ()


def test_given_calibrated_models_when_judged_then_chance_is_no_reason_even_with_few_rows() -> None:
    found = [calibration.of(*drawn(80, seed), drawn(80, seed)[0], 0.02, seed=seed) for seed in range(30)]
    assert sum(bool(one.objections) for one in found) <= 1
    assert np.mean([one.report["error"] for one in found]) > 0.05, "which a bare limit would refuse"


def test_given_probabilities_when_measured_then_bins_are_those_of_scikit_learn() -> None:
    labels, said = drawn(2_000, sure=2.0)
    assert said.shares is not None
    true, told = calibration_curve(labels == "yes", said.shares[:, 1], n_bins=10)
    weights = np.histogram(said.shares[:, 1], bins=10, range=(0, 1))[0]
    expected = float((np.abs(true - told) * weights[weights > 0]).sum() / 2_000)
    assert calibration.of(labels, said, labels, None, seed=0).report["error"] == pytest.approx(expected)


def test_given_several_classes_when_measured_then_the_answered_class_counts_and_brier_stands_beside_the_baseline() -> (
    None
):
    draw = np.random.default_rng(0)
    shares = draw.dirichlet([0.5, 0.5, 0.5], 1_500)
    labels = np.array(["a", "b", "c"])[[draw.choice(3, p=row) for row in shares]]
    said = Answers(np.array(["a", "b", "c"])[shares.argmax(axis=1)], shares, ("a", "b", "c"))
    found = calibration.of(labels, said, labels, 0.02, seed=0)
    assert not found.objections
    assert found.report["brier"] < found.report["brier_of_baseline"]
    wrong = calibration.of(np.roll(labels, 1), said, labels, 0.02, seed=0)
    assert wrong.objections


def test_given_a_label_that_the_model_does_not_know_when_measured_then_there_is_no_brier_score() -> None:
    labels, said = drawn(100)
    labels[0] = "maybe"
    assert calibration.of(labels, said, labels, None, seed=0).report["brier"] is None


def test_given_a_regression_when_measured_then_it_is_said() -> None:
    found = calibration.of(np.zeros(3), Answers(np.zeros(3), None), np.zeros(3), 0.1, seed=0)
    assert found.report["notes"] == ["a regression has no probabilities"] and not found.objections
