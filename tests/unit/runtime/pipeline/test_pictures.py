"""Each run keeps its pictures; thin classes, few rows and no validation rows end no training."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from aifactory_runtime.charts import model as charts
from aifactory_runtime.config.settings import TrainSettings
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.pipeline import pictures
from aifactory_runtime.pipeline.training import fitting
from aifactory_runtime.pipeline.training.training_data import Rows, TrainingData
from aifactory_runtime.registry import answers
from aifactory_runtime.registry.model_folder import Column, InputSchema

SCHEMA = InputSchema("y", (Column("a", "number", False), Column("b", "number", False)), ("a", "b"), ("no", "yes"))


def rows(count: int, seed: int, share: float = 0.5) -> Rows:
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(count, 2))
    return Rows(values, np.where(values[:, 0] > np.quantile(values[:, 0], 1 - share), "yes", "no"))


def said(estimator: Any, test: Rows, schema: InputSchema) -> Answers:
    return Answers(*answers.of(estimator, test.values, schema.classes), schema.classes)


def context(make: Any = LogisticRegression) -> Any:
    science = SimpleNamespace(model=lambda: make)
    project = SimpleNamespace(science=science, manifest=SimpleNamespace(problem="classification"))
    return SimpleNamespace(project=project, settings=SimpleNamespace(train=TrainSettings()), metric="roc_auc")


def test_given_a_classifier_when_drawn_then_confusion_calibration_and_importances() -> None:
    train, test = rows(200, 1), rows(100, 2)
    estimator = LogisticRegression().fit(train.values, train.labels)

    drawn = pictures.of_model(estimator, SCHEMA, test, said(estimator, test, SCHEMA), "roc_auc")

    assert set(drawn) == {charts.CONFUSION, charts.CALIBRATION, charts.IMPORTANCES}


def test_given_a_regressor_when_drawn_then_residuals_and_importances() -> None:
    values = np.random.default_rng(3).normal(size=(100, 2))
    estimator = LinearRegression().fit(values, values[:, 0])

    schema, test = replace(SCHEMA, classes=()), Rows(values, values[:, 0])

    drawn = pictures.of_model(estimator, schema, test, said(estimator, test, schema), "rmse")

    assert set(drawn) == {charts.RESIDUALS, charts.IMPORTANCES}


def test_given_answers_when_drawn_then_the_model_is_asked_about_shuffled_rows_only() -> None:
    train, test = rows(200, 1), rows(100, 2)
    asked: list[int] = []

    class Counting(LogisticRegression):  # type: ignore[misc] # scikit-learn ships no types
        def predict_proba(self, values: Any) -> Any:
            asked.append(len(values))
            return super().predict_proba(values)

    estimator = Counting().fit(train.values, train.labels)
    told = said(estimator, test, SCHEMA)
    asked.clear()

    pictures.of_model(estimator, SCHEMA, test, told, "roc_auc")

    assert asked == [2 * len(test.labels)]


@pytest.mark.heavy
@pytest.mark.parametrize(("count", "share"), [(4_000, 0.5), (60, 0.04), (8, 0.5)])
def test_given_training_rows_when_drawn_then_the_curve_has_both_lines(count: int, share: float) -> None:
    data = TrainingData(SCHEMA, rows(count, 1, share), rows(50, 2))
    made = fitting.fit(context(), data, {})

    drawn = pictures.learning_curve(context(), data, made)

    assert "validation rows" in drawn[charts.LEARNING] and str(count)[0] in drawn[charts.LEARNING]


@pytest.mark.heavy
def test_given_a_class_of_one_row_when_drawn_then_every_part_of_the_curve_has_it() -> None:
    train, schema = rows(400, 1), replace(SCHEMA, classes=("no", "other", "yes"))
    labels = np.where(np.arange(400) == 17, "other", train.labels)
    data = TrainingData(schema, Rows(train.values, labels), rows(50, 2))
    made = fitting.fit(context(), data, {})

    assert "validation rows" in pictures.learning_curve(context(), data, made)[charts.LEARNING]


def test_given_an_estimator_that_needs_many_rows_when_drawn_then_the_other_points_are_left_out() -> None:
    class Choosy(LogisticRegression):  # type: ignore[misc] # scikit-learn ships no types
        def fit(self, values: Any, labels: Any) -> Any:
            if len(labels) < 300:
                raise ValueError("too few rows")
            return super().fit(values, labels)

    data = TrainingData(SCHEMA, rows(500, 1), rows(50, 2))
    made = fitting.fit(context(), data, {})

    assert "too few" not in pictures.learning_curve(context(Choosy), data, made)[charts.LEARNING]


def test_given_no_validation_rows_when_drawn_then_there_is_no_curve() -> None:
    data = TrainingData(SCHEMA, rows(100, 1), Rows(np.empty((0, 2)), np.empty(0, dtype=object)))
    made = fitting.fit(context(), data, {})

    assert pictures.learning_curve(context(), data, made) == {}
