"""The pictures that a data scientist looks at first, kept with the run: what the model does, and how it came to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory_runtime.charts import model as charts
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER
from aifactory_runtime.pipeline import scores
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.training import fitting
from aifactory_runtime.pipeline.training.fitting import Fitted
from aifactory_runtime.pipeline.training.training_data import Rows, TrainingData
from aifactory_runtime.registry import answers
from aifactory_runtime.registry.model_folder import InputSchema

FOLDER = "pictures"
_PARTS = (8, 4, 2)
"""The learning curve has a point for an eighth, a quarter and a half of the rows, and one for all."""
_MOST_ROWS = 8_000
"""Rows that the parts are taken of: three more fits must cost little, however large the table is."""
_VALIDATED_ROWS = 5_000
_MARKED_ROWS = 10_000
_LOG = logging.getLogger("aifactory.train")


def of_model(estimator: Any, schema: InputSchema, test: Rows, metric: str, positive: Any) -> dict[str, str]:
    """SVG by file name: confusion matrix and calibration of a classifier, residuals of a regressor, importances.

    More than 10,000 test rows are thinned out evenly: a picture shows no more.
    """
    few = _evenly(test, _MARKED_ROWS)
    predicted, shares = answers.of(estimator, few.values, schema.classes)
    if shares is None:
        drawn = charts.of_numbers(few.labels, predicted)
    else:
        drawn = charts.of_classes(few.labels, predicted, shares, schema.classes)

    def answered(values: Any) -> Any:
        found, parts = answers.of(estimator, values, schema.classes)
        return found if parts is None else parts

    def score(labels: Any, said: Any) -> float:
        found = scores.of_answers(labels, said, schema.classes, positive).get(metric, 0.0)
        return -found if metric in LOWER_IS_BETTER else found

    return drawn | charts.importances(answered, few.values, few.labels, schema.features, score)


def learning_curve(context: Context, data: TrainingData, made: Fitted) -> dict[str, str]:
    """SVG by file name: the gate's metric after training on parts of the rows; nothing without validation rows."""
    metric = context.metric
    if not len(data.validation.labels) or fitting.VALIDATION + metric not in made.figures:
        return {}
    order = np.argsort(data.train.labels, kind="stable")  # every part has its share of each class
    every = np.unique(data.train.labels, return_index=True)[1] if data.schema.classes else order[:0]
    most = min(len(order), _MOST_ROWS)
    less = replace(data, validation=_evenly(data.validation, _VALIDATED_ROWS))
    points = [(len(order), made.figures)]
    for part in _PARTS:
        drawn = order[np.linspace(0, len(order) - 1, max(most // part, 2)).astype(int)]
        chosen = np.union1d(drawn, every).astype(int)  # a model that lacks a class of one row has other answers
        rows = Rows(data.train.values[chosen], data.train.labels[chosen])
        try:
            points.append((len(chosen), fitting.fit(context, replace(less, train=rows), made.parameters).figures))
        except FactoryError as error:
            _LOG.info("the learning curve has no point at %s rows: %s", len(chosen), error)
    return _curve(sorted(points, key=lambda point: point[0]), metric)


def _curve(points: Sequence[tuple[int, Mapping[str, float]]], metric: str) -> dict[str, str]:
    names = (fitting.TRAINING + metric, fitting.VALIDATION + metric)
    whole = [(rows, figures) for rows, figures in points if all(name in figures for name in names)]
    if not whole:
        return {}
    training, validation = ([figures[name] for _, figures in whole] for name in names)
    return charts.learning([rows for rows, _ in whole], training, validation, metric)


def keep(context: Context, run: str, drawn: Mapping[str, str]) -> None:
    """Keep pictures with a tracking run, where MLflow shows them."""
    for name, text in drawn.items():
        context.registry.log_file(run, f"{FOLDER}/{name}", text.encode())


def _evenly(rows: Rows, most: int) -> Rows:
    if len(rows.labels) <= most:
        return rows
    chosen = np.linspace(0, len(rows.labels) - 1, most).astype(int)
    return Rows(rows.values[chosen], rows.labels[chosen])
