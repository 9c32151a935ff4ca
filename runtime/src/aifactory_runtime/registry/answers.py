"""What a model answers, measured and served alike: a label and the share of each class, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def of(estimator: Any, values: Array, classes: Sequence[Any]) -> tuple[Array, Array | None]:
    """Answers of shape (rows,) and, of a classifier, shares of shape (rows, classes) in the order of `classes`.

    Without `classes` the estimator is a regressor: its answers are float64, and there are no shares.
    """
    if not classes:
        return np.asarray(estimator.predict(values), dtype=np.float64).reshape(len(values)), None
    shares: Array = np.asarray(estimator.predict_proba(values))
    return np.asarray(classes)[shares.argmax(axis=1)], shares
