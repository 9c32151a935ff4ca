"""Figures: those scikit-learn gives, finite for rare and unknown classes, and a baseline that no constant beats."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from aifactory_runtime.pipeline import scores


class Said:
    """Answers what it was given."""

    def __init__(self, answers: np.ndarray) -> None:
        self.answers = answers

    def predict_proba(self, _: np.ndarray) -> np.ndarray:
        return self.answers

    def predict(self, _: np.ndarray) -> np.ndarray:
        return self.answers


def shares(rows: int, classes: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).random((rows, classes)) + 0.01
    return drawn / drawn.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c"), (0, 1, 2, 3), (False, True)])
def test_given_a_classifier_when_measured_then_the_figures_are_scikit_learn_s(classes: tuple[object, ...]) -> None:
    said = shares(200, len(classes))
    labels = np.asarray(classes)[np.random.default_rng(1).integers(0, len(classes), 200)]
    found = scores.of(Said(said), np.zeros((200, 1)), labels, classes)
    predicted = np.asarray(classes)[said.argmax(axis=1)]
    assert found["accuracy"] == sk.accuracy_score(labels, predicted)
    assert math.isclose(found["log_loss"], sk.log_loss(labels, said, labels=list(classes)))
    binary = len(classes) == 2
    expected = sk.roc_auc_score(labels, said[:, 1]) if binary else sk.roc_auc_score(labels, said, multi_class="ovr")
    assert math.isclose(found["roc_auc"], expected)


@pytest.mark.parametrize(("positive", "meant"), [(None, "nein"), ("nein", "nein"), ("ja", "ja"), ("gone", "nein")])
def test_given_two_classes_when_measured_then_f1_is_of_the_one_that_is_named_else_of_the_second(
    positive: str | None, meant: str
) -> None:
    classes, said = ("ja", "nein"), shares(200, 2)
    labels = np.asarray(classes)[np.random.default_rng(1).integers(0, 2, 200)]

    found = scores.of(Said(said), np.zeros((200, 1)), labels, classes, positive)
    baseline = scores.of_baseline(np.array(["ja", "nein", "nein"]), labels, classes, positive)

    assert found["f1"] == sk.f1_score(labels, np.asarray(classes)[said.argmax(axis=1)], pos_label=meant)
    assert (baseline["f1"] > 0) == (meant == "nein")


def test_given_a_class_that_no_row_has_and_one_that_the_model_does_not_know_when_measured_then_figures_are_there() -> (
    None
):
    labels = np.array(["a", "b", "b", "new"])
    found = scores.of(Said(shares(4, 3)), np.zeros((4, 1)), labels, ("a", "b", "c"))
    assert set(found) == {"accuracy", "f1", "log_loss", "roc_auc"}
    assert found["log_loss"] > 8  # a class that was given no chance costs 36 for its row


def test_given_one_class_in_all_rows_when_measured_then_there_is_no_roc_auc() -> None:
    found = scores.of(Said(shares(3, 2)), np.zeros((3, 1)), np.array([1, 1, 1]), (0, 1))
    assert "roc_auc" not in found
    assert "accuracy" in found


def test_given_a_regressor_when_measured_then_the_figures_are_scikit_learn_s() -> None:
    labels, said = np.random.default_rng(0).normal(size=(2, 50))
    found = scores.of(Said(said), np.zeros((50, 1)), labels, ())
    assert math.isclose(found["rmse"], sk.root_mean_squared_error(labels, said))
    assert math.isclose(found["r2"], sk.r2_score(labels, said))
    assert math.isclose(found["mae"], sk.mean_absolute_error(labels, said))
    assert math.isclose(found["median_ae"], sk.median_absolute_error(labels, said))


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30), st.floats(-1e6, 1e6))
def test_given_any_numbers_when_the_baseline_knows_them_then_no_constant_has_a_smaller_error(
    labels: list[float], constant: float
) -> None:
    known = np.array(labels)
    found = scores.of_baseline(known, known, ())
    other = scores.of(Said(np.full(len(known), constant)), np.zeros((len(known), 1)), known, ())
    assert found["mae"] <= other["mae"] + 1e-6
    assert found["rmse"] <= other["rmse"] + 1e-6


def test_given_classes_when_the_baseline_answers_then_roc_auc_is_a_half_and_accuracy_the_largest_share() -> None:
    labels = np.array(["a"] * 3 + ["b"] * 7)
    found = scores.of_baseline(labels, labels, ("a", "b"))
    assert found["roc_auc"] == 0.5
    assert found["accuracy"] == 0.7
