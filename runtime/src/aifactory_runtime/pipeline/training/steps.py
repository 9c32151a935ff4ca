"""The steps before an estimator, fitted on all rows without holding them: by their statistics, or batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.training import statistics
from aifactory_runtime.pipeline.training.parted import Parted

Array = np.ndarray[Any, Any]
Fit = Callable[[Any, Parted, Sequence[str]], None]
_ROWS_ALONE = ("FunctionTransformer", "Normalizer", "Binarizer", "PolynomialFeatures")
"""Transformers that learn nothing of the rows but how many columns they have."""


def of(estimator: Any) -> tuple[list[tuple[str, Any]], Any]:
    """The steps of an estimator with their names, and what learns behind them; no steps unless it is a Pipeline."""
    from sklearn.pipeline import Pipeline

    if not isinstance(estimator, Pipeline):
        return [], estimator
    kept = [(name, step) for name, step in estimator.steps[:-1] if step is not None and step != "passthrough"]
    return kept, estimator.steps[-1][1]


def refusal(step: Any) -> str | None:
    """Why a step cannot be fitted by partition, with what would do instead; None when it can."""
    name = type(step).__name__
    if name in _FITS or name in _ROWS_ALONE or hasattr(step, "partial_fit"):
        return None
    known = ", ".join(sorted({*_FITS, *_ROWS_ALONE}))
    return f"{name} cannot be fitted by partition: do this step in features.py, or use one of {known}"


def fit(steps: Sequence[tuple[str, Any]], rows: Parted) -> Parted:
    """Fit the steps in place, one after the other, each on all rows behind those before; the rows behind them all."""
    names: Sequence[str] = rows.how.schema.features
    for _, step in steps:
        kind = type(step).__name__
        if kind in _FITS:
            _FITS[kind](step, rows, names)
        elif kind in _ROWS_ALONE:
            step.fit(np.zeros((1, len(names))))
        else:
            _in_batches(step, rows)
        rows = rows.through(step)
        width = step.transform(np.zeros((1, len(names)))).shape[1]
        names = names if width == len(names) else [f"column {place} behind {kind}" for place in range(width)]
    return rows


def _in_batches(step: Any, rows: Parted) -> None:
    for values, labels in rows.each(_both):
        del labels
        step.partial_fit(values)


def _both(values: Array, labels: Array) -> tuple[Array, Array]:
    return values, labels


def _imputer(step: Any, rows: Parted, names: Sequence[str]) -> None:
    """A fit on one row of the statistics has these as its statistics; a second one says where values are missing."""
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise UsageProblem("SimpleImputer of other missing values than NaN cannot be fitted by partition")
    found = statistics.moments(rows.each)
    if step.strategy == "mean":
        known = found.mean
    elif step.strategy == "median":
        known = statistics.medians(rows.each, found.count)
    elif step.strategy == "most_frequent":
        known = statistics.most_frequent(rows.each, names)
    elif step.strategy == "constant":
        known = np.where(found.count, 0.0, np.nan)
    else:
        raise UsageProblem(f"SimpleImputer(strategy={step.strategy!r}) cannot be fitted by partition: use the median")
    gaps = np.where(found.count < rows.rows, np.nan, known)
    step.fit(np.vstack([known, gaps]))


def _standard(step: Any, rows: Parted, names: Sequence[str]) -> None:
    """As one process has it but for the last bits of sums; a column that never changes is not scaled."""
    del names
    found = statistics.moments(rows.each)
    step.fit(np.vstack([found.least, found.most]))
    step.n_samples_seen_ = _seen(found.count)
    if step.with_mean or step.with_std:
        step.mean_ = found.mean
    if step.with_std:
        step.var_ = np.where(found.least == found.most, 0.0, found.variance)
        step.scale_ = np.where(step.var_ == 0.0, 1.0, np.sqrt(step.var_))


def _extremes(step: Any, rows: Parted, names: Sequence[str]) -> None:
    """MinMaxScaler and MaxAbsScaler know the least and the largest value alone."""
    del names
    found = statistics.moments(rows.each)
    step.fit(np.vstack([found.least, found.most]))
    step.n_samples_seen_ = rows.rows


def _robust(step: Any, rows: Parted, names: Sequence[str]) -> None:
    """Five rows whose quantiles are those of all rows."""
    del names
    if step.unit_variance:
        raise UsageProblem("RobustScaler(unit_variance=True) cannot be fitted by partition: use StandardScaler")
    found = statistics.moments(rows.each)
    low, high = step.quantile_range
    below, above = statistics.quantiles(rows.each, found.count, [low / 100, high / 100])
    middle = statistics.medians(rows.each, found.count)
    step.fit(np.vstack([found.least, found.most]))
    if step.with_centering:
        step.center_ = middle
    if step.with_scaling:
        apart = above - below
        step.scale_ = np.where(apart == 0.0, 1.0, apart)


def _seen(count: Array) -> Any:
    """One number where every column has as many values, as scikit-learn keeps it."""
    same = bool((count == count[0]).all())
    return np.int64(count[0]) if same else count.astype(np.int64)


_FITS: dict[str, Fit] = {
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
    "MinMaxScaler": _extremes,
    "MaxAbsScaler": _extremes,
    "RobustScaler": _robust,
}
