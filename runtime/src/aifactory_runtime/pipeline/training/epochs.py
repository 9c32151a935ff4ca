"""Estimators with `partial_fit`, trained partition by partition: in an order that the seed decides, anew each epoch."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from aifactory_runtime.config.settings import TrainSettings
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.pipeline import progress, scores
from aifactory_runtime.pipeline.training.parted import Parted
from aifactory_runtime.pipeline.training.training_data import Rows

_AGAIN = ("max_iter", "n_iter")
"""An estimator with one of these sees rows more than once; what only counts them needs them once."""
_LOG = logging.getLogger("aifactory.train")
Array = np.ndarray[Any, Any]


def prepared(estimator: Any) -> None:
    """Switch off what `partial_fit` does not have: it is here that an epoch is the last one."""
    if estimator.get_params().get("early_stopping"):
        estimator.set_params(early_stopping=False)


def fit(estimator: Any, train: Parted, validation: Rows, settings: TrainSettings, metric: Metric) -> Any:
    """The estimator after its last epoch, or after the best one on `validation` when it stops early.

    After `early_stopping_rounds` epochs without gain there is no further one. Equal seeds give equal models.
    """
    prepared(estimator)
    classes = train.how.schema.classes
    known = {"classes": np.asarray(classes)} if classes else {}
    epochs = _epochs(estimator, settings.epochs)
    best, figure, since = estimator, -np.inf, 0
    for epoch in range(epochs):
        progress.detail(f"epoch {epoch + 1} of {epochs}")
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(train.partitions))
        for values, labels in train.each(_both, [train.partitions[place] for place in order.tolist()]):
            estimator.partial_fit(values, labels, **known)
        if settings.early_stopping_rounds is None or not len(validation.labels):
            continue
        reached = _figure(estimator, validation, classes, metric)
        if reached > figure:
            best, figure, since = copy.deepcopy(estimator), reached, 0
            continue
        since += 1
        if since >= settings.early_stopping_rounds:
            _LOG.info("stopped after epoch %d of %d: the best was %d before", epoch + 1, epochs, since)
            return best
    return estimator if settings.early_stopping_rounds is None else best


def _epochs(estimator: Any, most: int) -> int:
    known = estimator.get_params()
    asked = [known[name] for name in _AGAIN if known.get(name) is not None]
    return min(most, *asked) if asked else 1


def _both(values: Array, labels: Array) -> tuple[Array, Array]:
    return values, labels


def _figure(estimator: Any, validation: Rows, classes: Sequence[Any], metric: Metric) -> float:
    """Larger is better."""
    found = scores.of(estimator, validation.values, validation.labels, classes).get(metric, -np.inf)
    return -found if metric in LOWER_IS_BETTER else found
