"""How each library is fitted: labels as it takes them, validation rows for early stopping, equal runs equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.pipeline.training.training_data import Labels, Rows
from aifactory_runtime.registry import boosters

_LIGHTGBM = {"deterministic": True, "force_row_wise": True, "verbosity": -1}


def steady(estimator: Any) -> dict[str, Any]:
    """Parameters beside the seed that make equal trainings equal, whatever the number of threads."""
    return dict(_LIGHTGBM) if boosters.flavour(estimator) == "lightgbm" else {}


def fit(estimator: Any, train: Rows, validation: Rows, classes: Sequence[Any], rounds: int | None) -> None:
    """Fit in place; boosters that stop early watch the validation rows. ValueError when the rows do not suit."""
    library = boosters.flavour(estimator)
    if library is None:
        estimator.fit(train.values, train.labels)
        return
    watched = _known(validation, classes)
    given = [(rows.values, _coded(rows.labels, classes)) for rows in (train, watched)]
    if library == "xgboost":
        early = estimator.get_params().get("early_stopping_rounds") is not None and len(watched.labels)
        more: dict[str, Any] = {"eval_set": given[1:], "verbose": False} if early else {}
    else:
        more = _lightgbm_watching(*given[1], rounds) if rounds is not None and len(watched.labels) else {}
    try:
        estimator.fit(*given[0], **more)
    except Exception as error:
        if type(error).__module__.partition(".")[0] == library:
            raise ValueError(str(error)) from None
        raise


def _lightgbm_watching(values: Matrix, labels: Labels, rounds: int) -> dict[str, Any]:
    import lightgbm

    return {"eval_X": values, "eval_y": labels, "callbacks": [lightgbm.early_stopping(rounds, verbose=False)]}


def _known(rows: Rows, classes: Sequence[Any]) -> Rows:
    """Rows whose class the model learns; a rare one may be in validation only."""
    if not classes:
        return rows
    kept = np.isin(rows.labels, np.asarray(classes))
    return Rows(rows.values[kept], rows.labels[kept])


def _coded(labels: Labels, classes: Sequence[Any]) -> Labels:
    """Classes as their place in `classes`, which is sorted; numbers to learn as they are."""
    return np.searchsorted(np.asarray(classes), labels) if classes else labels
