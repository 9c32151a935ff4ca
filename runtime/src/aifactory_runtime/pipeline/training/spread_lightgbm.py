"""LightGBM over all workers at once: each has its own partitions, and adds its sums to those of others.

It is what `lightgbm.dask` does on a worker, with two differences. Early stopping, which `lightgbm.dask` has not: all
ranks watch the same validation rows, so that all stop at once. And rows are the same on a rank in every fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aifactory_runtime.pipeline.training import dealing, ranks
from aifactory_runtime.pipeline.training.dealing import Dealt
from aifactory_runtime.pipeline.training.parted import Parted
from aifactory_runtime.pipeline.training.ranks import Rank

_TWO = 2
_MINUTES = 2
"""How long a rank waits for another one."""
_NETWORK = re.compile(r"^\[(?:machines|local_listen_port|num_machines|time_out): .*\]\n", re.MULTILINE)


@dataclass(frozen=True)
class _Task:
    train: Dealt
    watched: Dealt | None
    parameters: Mapping[str, Any]
    objective: str
    classes: int
    early: int | None
    place: int
    network: Mapping[str, Any]


def refusal(estimator: Any) -> str | None:
    """Why this one cannot be trained by partition; None when it can."""
    if callable(estimator.objective):
        return "lightgbm trains by partition with objectives of its own only: name one of them"
    if estimator.class_weight == "balanced":
        return "lightgbm trains by partition with class_weight as a dictionary only: write the weights"
    return None


def fit(estimator: Any, train: Parted, watched: Parted | None, classes: Sequence[Any], rounds: int | None) -> None:
    """Fit in place on the rows of `train`; with `rounds` the rows of `watched` are looked at each round."""
    early = rounds if watched is not None and watched.rows else None
    objective = estimator.objective or (
        "regression" if not classes else "binary" if len(classes) == _TWO else "multiclass"
    )
    common = {
        "parameters": {key: value for key, value in estimator.get_params().items() if key != "objective"},
        "objective": objective,
        "classes": len(classes),
        "early": early,
        "watched": None if watched is None or early is None else dealing.whole(watched),
    }
    model = ranks.run(train.executor, _boost, partial(_tasks, train, common), private=train.private)[0]
    own = set(estimator.get_params()) | {"_other_params"}
    for name, value in vars(model).items():
        if name not in own:
            setattr(estimator, name, value)
    if classes:
        _know(estimator, len(classes))


def _know(estimator: Any, classes: int) -> None:
    """What a classifier knows of its classes, which are places from 0 here as in one process."""
    from sklearn.preprocessing import LabelEncoder

    estimator._le = LabelEncoder().fit(range(classes))
    estimator._classes = estimator._le.classes_
    estimator._class_map = {place: place for place in range(classes)}
    estimator._n_classes = classes


def _tasks(train: Parted, common: Mapping[str, Any], found: Sequence[Rank]) -> list[_Task]:
    most = max(1, min(len(found), train.rows // _TWO))
    chosen = found[:most]
    ports = ranks.free_ports(train.executor, chosen)
    network: dict[str, Any] = {}
    if most > 1:
        machines = ",".join(f"{rank.host}:{port}" for rank, port in zip(chosen, ports, strict=True))
        network = {"machines": machines, "num_machines": most, "time_out": _MINUTES, "tree_learner": "data"}
    return [
        _Task(
            train=mine,
            place=rank.place,
            network={**network, **({"local_listen_port": port} if network else {}), **_threads(rank)},
            **common,
        )
        for rank, port, mine in zip(chosen, ports, dealing.deal(train, most), strict=True)
    ]


def _threads(rank: Rank) -> dict[str, int]:
    return {"n_jobs": rank.threads} if rank.threads else {}


def _boost(task: _Task) -> Any:
    """What one rank does; the first gives back the model, which all have alike."""
    import lightgbm

    model = lightgbm.LGBMModel(**{**task.parameters, **task.network, "objective": task.objective})
    if task.classes > _TWO:
        model._n_classes = task.classes
    values, labels = task.train.joined()
    more: dict[str, Any] = {}
    if task.watched is not None and task.early is not None:
        seen = task.watched.joined()
        early = lightgbm.early_stopping(task.early, verbose=False)
        more = {"eval_X": seen[0], "eval_y": seen[1], "callbacks": [early]}
    try:
        model.fit(values, labels, **more)
    finally:
        if task.network.get("machines") and model.fitted_:
            model.booster_.free_network()
    if task.place:
        return None
    best = model.booster_.best_iteration
    model._Booster = lightgbm.Booster(model_str=_NETWORK.sub("", model.booster_.model_to_string(num_iteration=-1)))
    model._Booster.best_iteration = best
    return model
