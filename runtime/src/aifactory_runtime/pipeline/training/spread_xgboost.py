"""XGBoost over all workers at once: each reads its own partitions, bins them, and adds its sums to those of others.

Its collective is the one that `xgboost.dask` speaks. Rows go from the table straight into bins of a byte a value: they
are never held as numbers, while `xgboost.dask` has them in the workers' memory four or eight times as large first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.training import dealing, ranks
from aifactory_runtime.pipeline.training.dealing import Dealt
from aifactory_runtime.pipeline.training.parted import Parted
from aifactory_runtime.pipeline.training.ranks import Rank

_BINNED = (None, "auto", "hist")
_TWO = 2
_BINS = 256


@dataclass(frozen=True)
class _Task:
    train: Dealt
    watched: Dealt | None
    parameters: Mapping[str, Any]
    rounds: int
    early: int | None
    bins: int
    missing: float
    place: int
    threads: int
    collective: Mapping[str, Any] | None


@dataclass(frozen=True)
class _Made:
    booster: Any
    history: Mapping[str, Any]


def refusal(estimator: Any) -> str | None:
    """Why this one cannot be trained by partition; None when it can."""
    if estimator.booster == "gblinear" or estimator.tree_method not in _BINNED:
        return "xgboost trains by partition with tree_method hist and trees only: leave booster and tree_method out"
    if callable(estimator.objective):
        return "xgboost trains by partition with objectives of its own only: name one of them"
    return None


def fit(estimator: Any, train: Parted, watched: Parted | None, classes: Sequence[Any]) -> None:
    """Fit in place on the rows of `train`; with early stopping the rows of `watched` are looked at each round."""
    early = estimator.early_stopping_rounds if watched is not None and watched.rows else None
    seen = watched if early is not None else None
    common = {
        "parameters": _parameters(estimator, len(classes)),
        "rounds": estimator.get_num_boosting_rounds(),
        "early": early,
        "bins": estimator.max_bin or _BINS,
        "missing": estimator.missing,
    }
    trackers: list[Any] = []

    def tasks(found: Sequence[Rank]) -> Sequence[_Task]:
        return _tasks(found, train, seen, common, trackers)

    try:
        made = ranks.run(train.executor, _boost, tasks, private=train.private)[0]
    finally:
        for tracker in trackers:
            with suppress(Exception):  # one whose ranks were lost waits for them
                tracker.free()
    if made is None:  # the first rank gives it back, whatever becomes of the others
        raise FactoryError("xgboost gave no model back: train again")
    estimator._Booster = made.booster
    if classes:
        estimator.n_classes_ = len(classes)
    estimator._set_evaluation_result(made.history)


def _parameters(estimator: Any, classes: int) -> dict[str, Any]:
    """What its own `fit` would hand to the library, without the number of threads, which is the worker's."""
    _, metric, parameters, _ = estimator._configure_fit(None, estimator.get_xgb_params(), None)
    if metric is not None:
        raise UsageProblem("xgboost takes eval_metric by partition as a name only: name one of its own")
    if classes > _TWO:
        multi = parameters.get("objective") == "multi:softmax"
        parameters |= {"objective": "multi:softmax" if multi else "multi:softprob", "num_class": classes}
    return {name: value for name, value in parameters.items() if name not in ("nthread", "n_jobs")}


def _tasks(
    found: Sequence[Rank], train: Parted, seen: Parted | None, common: Mapping[str, Any], trackers: list[Any]
) -> list[_Task]:
    """One for each rank that gets rows; `trackers` keeps what brings them together, until the fit is done."""
    most = min(len(found), train.rows, len(found) if seen is None else seen.rows)
    watched: Sequence[Dealt | None] = [None] * most if seen is None else dealing.deal(seen, most)
    together: dict[str, Any] | None = None
    if most > 1:
        from xgboost.tracker import RabitTracker

        tracker = RabitTracker(n_workers=most, host_ip=ranks.here(found[0].host), sortby="task")
        tracker.start()
        trackers.append(tracker)
        together = tracker.worker_args()
    return [
        _Task(train=mine, watched=theirs, place=rank.place, threads=rank.threads, collective=together, **common)
        for rank, mine, theirs in zip(found[:most], dealing.deal(train, most), watched, strict=True)
    ]


def _boost(task: _Task) -> _Made | None:
    """What one rank does; the first gives back the booster, which all have alike."""
    import xgboost
    from xgboost import collective

    threads = {"nthread": task.threads} if task.threads else {}
    name = f"{task.place:06d}"
    args = None if task.collective is None else {**task.collective, "dmlc_task_id": name}
    history: dict[str, Any] = {}
    with nullcontext() if args is None else collective.CommunicatorContext(**args):
        binned = {"max_bin": task.bins, "missing": task.missing, **threads}
        train = xgboost.QuantileDMatrix(_rows(task.train), **binned)
        watched = None if task.watched is None else xgboost.QuantileDMatrix(_rows(task.watched), ref=train, **binned)
        booster = xgboost.train(
            {**task.parameters, **threads},
            train,
            task.rounds,
            evals=[] if watched is None else [(watched, "validation_0")],
            early_stopping_rounds=task.early,
            evals_result=history,
            verbose_eval=False,
        )
    return _Made(booster, history) if task.place == 0 else None


def _rows(dealt: Dealt) -> Any:
    """The library asks for the rows batch by batch, several times over."""
    import xgboost

    class Rows(xgboost.DataIter):
        def __init__(self) -> None:
            super().__init__()
            self._left = iter(dealt.read())

        def reset(self) -> None:
            self._left = iter(dealt.read())

        def next(self, input_data: Callable[..., Any]) -> bool:
            found = next(self._left, None)
            if found is None:
                return False
            input_data(data=found[0], label=found[1])
            return True

    return Rows()
