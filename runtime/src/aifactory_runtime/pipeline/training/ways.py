"""How an estimator can be trained on rows that are never held at once, and whether it is: said before rows are read."""

from __future__ import annotations

from typing import Any, Literal

from aifactory_runtime.cluster.choice import Choice, Engine, Size, Work, choose
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import memory
from aifactory_runtime.pipeline.training import spread_lightgbm, spread_xgboost, steps
from aifactory_runtime.registry import boosters

Way = Literal["xgboost", "lightgbm", "partial_fit"]
_BINNED, _HELD = 2, 5
"""Bytes a value: in bins, and in bins beside float32."""
_A_ROW = 32
"""Bytes of a row beside its values: its label, what is learned from it, what is said of it."""
_PACKAGES = 400 << 20
"""What a worker takes that has imported all and does nothing."""
_CHUNKS = 256 << 20
"""What reading, making features of and sending a few chunks takes."""
_WHAT = "a fit"


def of(estimator: Any) -> Way | None:
    """How what learns in an estimator would be trained by partition; None when it cannot."""
    last = steps.of(estimator)[1]
    flavour = boosters.flavour(last)
    if flavour is not None:
        return flavour
    return "partial_fit" if hasattr(last, "partial_fit") else None


def refusal(estimator: Any) -> str | None:
    """Why an estimator cannot be trained by partition, in a line that says what could; None when it can."""
    before, last = steps.of(estimator)
    name = type(last).__name__
    way = of(estimator)
    if way is None:
        return (
            f"{name} cannot be trained by partition: take one of xgboost's or lightgbm's, or of scikit-learn one with "
            "partial_fit, such as SGDClassifier or SGDRegressor"
        )
    for _, step in before:
        if why := steps.refusal(step):
            return why
    if way == "xgboost":
        return spread_xgboost.refusal(last)
    return spread_lightgbm.refusal(last) if way == "lightgbm" else None


def chosen(engine: Engine, estimator: Any, shape: tuple[int, int], cluster: Size | None) -> Choice:
    """Where a fit is done of so many rows and columns of a table, decided before any of them is read.

    UsageProblem when it fits into no memory that there is, or cannot be done by partition where it would have to be.
    """
    rows, columns = shape
    why_not = refusal(estimator)
    parted = None if why_not else _parted(of(estimator), rows, columns, 1 if cluster is None else cluster.workers)
    work = Work(_WHAT, rows, memory.needed(rows, columns), parted)
    choice = choose(engine, work, memory.available(), cluster)
    if choice.where == "nowhere" and cluster is not None:
        more = f"; {why_not}" if why_not else ""
        raise UsageProblem(f"{choice.reason}{more}; or set data.max_train_rows in conf")
    return choice


def _parted(way: Way | None, rows: int, columns: int, workers: int) -> int:
    """Bytes that all workers together take for it."""
    a_value = {"xgboost": _BINNED, "lightgbm": _HELD}.get(str(way), 0)
    return rows * (columns * a_value + (_A_ROW if a_value else 0)) + workers * (_PACKAGES + _CHUNKS)
