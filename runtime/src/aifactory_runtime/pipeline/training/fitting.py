"""Fits one estimator: seeded, stopped early where it can, and watched for a training that does not converge."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.config.settings import TrainSettings
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate import metrics
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.pipeline import scores
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.training import boosters, by_partition
from aifactory_runtime.pipeline.training.training_data import MEASURED_ROWS, Labels, Rows, TrainingData
from aifactory_runtime.registry import answers, savable

TRAINING = "training."
VALIDATION = "validation."
GAP = "gap."
_TRIED_ROWS = 1_000
_LOG = logging.getLogger("aifactory.train")


@dataclass(frozen=True)
class Fitted:
    """An estimator after training. `problem` says why it did not converge, None when it did."""

    estimator: Any
    parameters: Mapping[str, Any]
    figures: Mapping[str, float]
    problem: str | None

    def gap(self, metric: Metric) -> float:
        """How much better it does on training rows than on validation rows; NaN when it is not known."""
        return self.figures.get(GAP + metric, math.nan)


class NotUsable(FactoryError):
    """Training ended in an estimator that answers with no numbers."""


def fit(context: Context, data: TrainingData, parameters: Mapping[str, Any]) -> Fitted:
    """The user's estimator with `parameters`, fitted and measured. UsageProblem, FactoryError, NotUsable."""
    settings = context.settings.train
    estimator = make(context, parameters)
    _prepare(estimator, settings)
    _check_savable(estimator, data, settings.trusted_types)
    estimator, problem = _fitted(estimator, data, settings, context.metric)
    figures = _figures(estimator, data)
    return Fitted(estimator, parameters, figures, problem)


def make(context: Context, parameters: Mapping[str, Any]) -> Any:
    """The user's estimator with `parameters`, not fitted; UsageProblem when it is none that can be used."""
    try:
        estimator = context.project.science.model()(**parameters)
    except TypeError as error:
        raise UsageProblem(f"conf: train.parameters do not fit make_model ({error})") from None
    if context.project.manifest.problem != metrics.REGRESSION and not hasattr(estimator, "predict_proba"):
        raise UsageProblem(
            f"make_model returns {type(estimator).__name__}, which gives no probabilities: choose a classifier with "
            "predict_proba, such as CalibratedClassifierCV around it"
        )
    return estimator


def _prepare(estimator: Any, settings: TrainSettings) -> None:
    """Every random draw is decided by the seed; early stopping is switched on where the estimator has it."""
    known = estimator.get_params()
    changed: dict[str, Any] = boosters.steady(estimator)
    changed |= {key: settings.seed for key in known if key.rpartition("__")[2] == "random_state"}
    rounds = settings.early_stopping_rounds
    if rounds is not None:
        wanted = {"early_stopping": True, "n_iter_no_change": rounds, "early_stopping_rounds": rounds}
        changed |= {key: wanted[name] for key in known if (name := key.rpartition("__")[2]) in wanted}
    estimator.set_params(**changed)


def _check_savable(estimator: Any, data: TrainingData, trusted: Sequence[str]) -> None:
    """UsageProblem, before hours of training and not after, when the model could not be loaded again.

    What an estimator of another package keeps is known when it has learned: a copy of it does so from a few rows.
    """
    if savable.is_ours(estimator):
        return
    from sklearn.base import clone

    tried, step = clone(estimator), max(1, len(data.train.values) // _TRIED_ROWS)
    with suppress(Exception), warnings.catch_warnings():  # that it does not fit is for the training itself to say
        warnings.simplefilter("ignore")
        tried.fit(data.train.values[::step], data.train.labels[::step])
    savable.held(tried, trusted)


def _fitted(estimator: Any, data: TrainingData, settings: TrainSettings, metric: Metric) -> tuple[Any, str | None]:
    """What was fitted, and why it did not converge. What else it warns of is logged, a line each."""
    from sklearn.exceptions import ConvergenceWarning

    classes = data.schema.classes
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if data.parted is not None:
                estimator = by_partition.fit(estimator, data, data.parted, settings, metric)
            else:
                boosters.fit(estimator, data.train, data.validation, classes, settings.early_stopping_rounds)
        except ValueError as error:
            raise _unfit(error) from None
    said = {str(warning.message).strip().partition("\n")[0]: warning.category for warning in caught}
    for text, category in said.items():
        if not issubclass(category, ConvergenceWarning | DeprecationWarning | FutureWarning):
            _LOG.warning("%s", text)
    few = data.validation.values if len(data.validation.values) else data.train.values
    with np.errstate(all="ignore"):
        found, shares = answers.of(estimator, few[:_TRIED_ROWS], classes)
    if not np.isfinite(found if shares is None else shares).all():
        raise NotUsable(
            "the training did not converge: the model's answers are no numbers; scale the features, or "
            "lower the learning rate in train.parameters"
        )
    return estimator, next((text for text, category in said.items() if issubclass(category, ConvergenceWarning)), None)


def _unfit(error: ValueError) -> FactoryError:
    """What a ValueError of `fit` means, in a line."""
    first = str(error).strip().partition("\n")[0]
    if "non-finite" in first.lower() or "overflow" in first.lower():
        return NotUsable(f"the training did not converge: {first}")
    if "NaN" in first:
        return FactoryError(
            "the model cannot be fitted: some features are missing in some rows, and this estimator takes none; put a "
            "SimpleImputer before it in model.py, or choose one that does"
        )
    return FactoryError(f"the model cannot be fitted: {first}")


def _figures(estimator: Any, data: TrainingData) -> dict[str, float]:
    classes, positive = data.schema.classes, data.positive
    step = max(1, math.ceil(len(data.train.values) / MEASURED_ROWS))
    training = _of(estimator, Rows(data.train.values[::step], data.train.labels[::step]), classes, positive)
    validation = _of(estimator, data.validation, classes, positive)
    return {
        **{TRAINING + name: value for name, value in training.items()},
        **{VALIDATION + name: value for name, value in validation.items()},
        **{
            GAP + name: metrics.gap(name, training[name], value)
            for name, value in validation.items()
            if name in training
        },
    }


def _of(estimator: Any, rows: Rows, classes: Sequence[Any], positive: Any) -> dict[str, float]:
    labels: Labels = rows.labels
    return scores.of(estimator, rows.values, labels, classes, positive) if len(labels) else {}
