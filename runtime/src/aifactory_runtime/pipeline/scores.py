"""Figures of a model on labelled rows, by name; a figure that cannot be computed is left out, never a NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.registry import answers

_BINARY = 2
_BY_MEDIAN = frozenset({"mae", "median_ae"})
Array = np.ndarray[Any, Any]


def of(estimator: Any, values: Matrix, labels: Array, classes: Sequence[Any], positive: Any = None) -> dict[str, float]:
    """roc_auc, accuracy, log_loss and f1 of a classifier; rmse, r2, mae and median_ae of a regressor (no `classes`).

    Of two classes f1 is that of `positive`, or of the second when `positive` is none of them.
    """
    predicted, shares = answers.of(estimator, values, classes)
    return of_answers(labels, predicted if shares is None else shares, classes, positive)


def of_answers(labels: Array, said: Array, classes: Sequence[Any], positive: Any = None) -> dict[str, float]:
    """As `of`, for what a model said: of a classifier shares of shape (rows, classes), else numbers."""
    if not classes:
        return _regression(np.asarray(labels, dtype=np.float64), said)
    known = np.asarray(classes)
    return _classification(labels, known[said.argmax(axis=1)], said, known, positive)


def of_baseline(learned: Array, labels: Array, classes: Sequence[Any], positive: Any = None) -> dict[str, float]:
    """Figures of what looks at no feature and knows the labels `learned` only.

    A classifier's answers with the shares of the classes. A regression's baseline is the mean, for errors that are not
    squared the median: each is the best constant for its figures.
    """
    if classes:
        return of_answers(labels, baseline(learned, len(labels), classes), classes, positive)
    truth = np.asarray(labels, dtype=np.float64)
    mean, median = (_regression(truth, baseline(learned, len(truth), (), metric)) for metric in ("rmse", "mae"))
    return {name: (median if name in _BY_MEDIAN else mean)[name] for name in mean}


def baseline(learned: Array, rows: int, classes: Sequence[Any], metric: str = "") -> Array:
    """What the baseline says of so many rows: shares of shape (rows, classes), else the best number for `metric`."""
    if classes:
        counts = np.array([np.count_nonzero(learned == label) for label in classes])
        return np.tile(counts / counts.sum(), (rows, 1))
    known = np.asarray(learned, dtype=np.float64)
    return np.full(rows, np.median(known) if metric in _BY_MEDIAN else known.mean())


def _classification(labels: Array, predicted: Array, shares: Array, classes: Array, positive: Any) -> dict[str, float]:
    """With more than two classes roc_auc is of one class against the rest and f1 of each class, averaged."""
    from sklearn.metrics import accuracy_score, f1_score

    averaged: dict[str, Any] = {"average": "macro"}
    if len(classes) == _BINARY and set(labels) <= set(classes):
        averaged = {"pos_label": classes[int(positive != classes[0])]}
    found = {
        "accuracy": accuracy_score(labels, predicted),
        "f1": f1_score(labels, predicted, zero_division=0.0, **averaged),
        "log_loss": _log_loss(labels, shares, classes),
        "roc_auc": _roc_auc(labels, shares, classes),
    }
    return _finite(found)


def _log_loss(labels: Array, shares: Array, classes: Array) -> float:
    """Mean of -log of the share that the true class was given; a class the model does not know was given none."""
    places = {label: place for place, label in enumerate(classes.tolist())}
    column = np.array([places.get(label, -1) for label in np.asarray(labels).tolist()])
    given = np.where(column >= 0, shares[np.arange(len(column)), column], 0.0)
    return float(-np.log(np.clip(given, np.finfo(np.float64).eps, 1.0)).mean())


def _roc_auc(labels: Array, shares: Array, classes: Array) -> float:
    """Averaged over the classes that some rows have and others have not; NaN when there is none."""
    from sklearn.metrics import roc_auc_score

    places = [1] if len(classes) == _BINARY else range(len(classes))
    found = []
    for place in places:
        truth = labels == classes[place]
        if truth.any() and not truth.all():
            found.append(roc_auc_score(truth, shares[:, place]))
    return float(np.mean(found)) if found else math.nan


def _regression(labels: Array, predicted: Array) -> dict[str, float]:
    errors = np.abs(labels - predicted)
    spread = float(((labels - labels.mean()) ** 2).sum())
    squared = float((errors**2).sum())
    return _finite(
        {
            "rmse": math.sqrt(squared / len(errors)),
            "r2": 1.0 - squared / spread if spread else math.nan,
            "mae": float(errors.mean()),
            "median_ae": float(np.median(errors)),
        }
    )


def _finite(found: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}
