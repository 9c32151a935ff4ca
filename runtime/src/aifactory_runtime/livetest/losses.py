"""What a wrong answer costs, from 0 (right) to 1, so that the answers of two models can be compared row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

CLIPPED_AT = 0.99
"""The share of the champion's errors that are counted in full; the greatest ones count as 1."""
Array = np.ndarray[Any, Any]


def of_classes(labels: Array, predicted: Array) -> Array:
    """0 for the right class and 1 for another; shape (rows,)."""
    wrong: Array = np.asarray(labels) != np.asarray(predicted)
    return wrong.astype(np.float64)


def of_numbers(labels: Array, predicted: Array, limit: float) -> Array:
    """The absolute error as a share of `limit`, 1 at most; shape (rows,).

    Raises:
        ValueError: `limit` is not above zero, or an error is not a number.
    """
    errors = np.abs(np.asarray(labels, dtype=np.float64) - np.asarray(predicted, dtype=np.float64))
    if not limit > 0 or np.isnan(errors).any():
        raise ValueError("errors need a limit above zero, labels and predictions that are numbers")
    return np.minimum(errors, limit) / limit


def limit_of(labels: Array, predicted: Array) -> float:
    """The error that counts as 1: what 99 % of the champion's errors on rows from before the test stay below.

    Never zero, so that a champion that was right on all of them can be compared too.
    """
    errors = np.abs(np.asarray(labels, dtype=np.float64) - np.asarray(predicted, dtype=np.float64))
    found = float(np.quantile(errors, CLIPPED_AT))
    return found if found > 0 else max(float(errors.max()), float(np.finfo(np.float64).tiny))
