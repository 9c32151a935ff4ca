"""The figures a model is measured by: their names by problem, and for which of them less is better."""

from __future__ import annotations

from typing import Literal

from aifactory_runtime.errors import UsageProblem

Metric = Literal["roc_auc", "accuracy", "log_loss", "f1", "r2", "rmse", "mae", "median_ae"]
REGRESSION = "regression"
_OF_CLASSIFICATION: tuple[Metric, ...] = ("roc_auc", "accuracy", "log_loss", "f1")
_OF_REGRESSION: tuple[Metric, ...] = ("rmse", "r2", "mae", "median_ae")
LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae", "median_ae"})


def chosen(metric: str | None, problem: str) -> Metric:
    """The metric that decides; UsageProblem when `metric` is none of the problem's. None takes the first of them."""
    known = _OF_REGRESSION if problem == REGRESSION else _OF_CLASSIFICATION
    for name in known:
        if metric in {None, name}:
            return name
    raise UsageProblem(f"conf: gate.metric: {metric} is no figure of a {problem}; use one of {', '.join(known)}")


def gap(metric: str, training: float, validation: float) -> float:
    """How much better a model does on the rows it learned from; where less is better, as a share of the error."""
    if metric not in LOWER_IS_BETTER:
        return training - validation
    return (validation - training) / validation if validation else 0.0


def better(own: float, other: float, name: str) -> bool:
    """Whether one figure of this name is better than another."""
    return own < other if name in LOWER_IS_BETTER else own > other


def by_less(other: float, own: float, gain: float, name: str) -> bool:
    """Whether `own` is better than `other` by `gain`; where less is better by that share of `other`."""
    return own <= other * (1.0 - gain) if name in LOWER_IS_BETTER else own - other >= gain


def amount(gain: float, name: str) -> str:
    """A gain or a loss as people read it."""
    return f"{100 * gain:.6g} %" if name in LOWER_IS_BETTER else f"{gain:.6g}"
