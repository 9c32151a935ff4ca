"""Fits an estimator on rows by partition, each kind in its own way, behind the same call as in one process."""

from __future__ import annotations

from typing import Any

from aifactory_runtime.config.settings import TrainSettings
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.pipeline.training import epochs, spread_lightgbm, spread_xgboost, steps, ways
from aifactory_runtime.pipeline.training.parted import Parted
from aifactory_runtime.pipeline.training.training_data import Rows, TrainingData


def fit(estimator: Any, data: TrainingData, rows: Parted, settings: TrainSettings, metric: Metric) -> Any:
    """The estimator, fitted on all `rows`, which are those of `data`.

    UsageProblem when it cannot be fitted by partition, FactoryError when workers are lost again and again.
    """
    if why := ways.refusal(estimator):
        raise UsageProblem(why)
    before, last = steps.of(estimator)
    behind = steps.fit(before, rows)
    watched = None if data.parted_validation is None else data.parted_validation.behind(behind)
    classes, way = data.schema.classes, ways.of(estimator)
    if way == "xgboost":
        spread_xgboost.fit(last, behind, watched, classes)
    elif way == "lightgbm":
        rounds = settings.early_stopping_rounds
        spread_lightgbm.fit(last, behind, watched, classes, rounds)
    else:
        values = data.validation.values
        for step in behind.how.steps:
            values = step.transform(values)
        seen = Rows(values, data.validation.labels)
        last = epochs.fit(last, behind, seen, settings, metric)
    return _with_last(estimator, last)


def _with_last(estimator: Any, last: Any) -> Any:
    """The Pipeline with what learned at its end, or what learned itself."""
    if hasattr(estimator, "steps"):
        estimator.steps[-1] = (estimator.steps[-1][0], last)
        return estimator
    return last
