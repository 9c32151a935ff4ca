"""The pictures that a data scientist looks at first, kept with the run: what the model does, and how it came to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory_runtime.charts import model as charts
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER
from aifactory_runtime.gate.slices import Slices
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
Array = np.ndarray[Any, Any]
_LOG = logging.getLogger("aifactory.train")


def of_model(estimator: Any, schema: InputSchema, test: Rows, said: Answers, metric: str) -> dict[str, str]:
    """SVG by file name: confusion matrix and calibration of a classifier, residuals of a regressor, importances.

    `said` is what the model answered to the test rows. More than 10,000 of them are thinned out evenly: a picture shows
    no more.
    """
    chosen = _evenly(len(test.labels), _MARKED_ROWS)
    few, answered = test.of(chosen), said.of(chosen)
    if answered.shares is None:
        drawn = charts.of_numbers(few.labels, answered.predicted)
    else:
        drawn = charts.of_classes(few.labels, answered.predicted, answered.shares, schema.classes)

    def again(values: Any) -> Any:
        return Answers(*answers.of(estimator, values, schema.classes)).judged

    def score(labels: Any, told: Any) -> float:
        found = scores.of_answers(labels, told, schema.classes, said.positive).get(metric, 0.0)
        return -found if metric in LOWER_IS_BETTER else found

    lost = charts.importances(again, few.values, few.labels, answered.judged, features=schema.features, score=score)
    return drawn | lost


def of_slices(found: Slices) -> dict[str, str]:
    """SVG by file name: how much better the candidate is in each slice, the worst first; nothing without slices."""
    known = [(one, lost) for one in found.worst() if (lost := found.lost(one)) is not None]
    names = [f"{one.name} ({one.rows})" for one, _ in known]
    by = (found.metric, found.against, found.rows)
    return charts.slices(names, [-lost for _, lost in known], by)


def learning_curve(context: Context, data: TrainingData, made: Fitted) -> dict[str, str]:
    """SVG by file name: the gate's metric after training on parts of the rows; nothing without validation rows."""
    metric = context.metric
    if not len(data.validation.labels) or fitting.VALIDATION + metric not in made.figures:
        return {}
    order = np.argsort(data.train.labels, kind="stable")  # every part has its share of each class
    every = np.unique(data.train.labels, return_index=True)[1] if data.schema.classes else order[:0]
    most = min(len(order), _MOST_ROWS)
    validation = data.validation
    less = replace(
        data,
        parted=None,
        parted_validation=None,
        validation=validation.of(_evenly(len(validation.labels), _VALIDATED_ROWS)),
    )
    points = [(data.rows, made.figures)]
    for part in _PARTS:
        drawn = order[np.linspace(0, len(order) - 1, max(most // part, 2)).astype(int)]
        chosen = np.union1d(drawn, every).astype(int)  # a model that lacks a class of one row has other answers
        part_of = replace(less, train=data.train.of(chosen))
        try:
            points.append((len(chosen), fitting.fit(context, part_of, made.parameters).figures))
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


def _evenly(rows: int, most: int) -> Array:
    """Places of at most `most` of so many rows."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)
