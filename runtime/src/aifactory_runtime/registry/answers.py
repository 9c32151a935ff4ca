"""What a model answers, measured and served alike: a label and the share of each class, or a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-9
"""How far two numbers may differ, in parts of themselves, that are the same but for the order of their sums."""


def of(estimator: Any, values: Array, classes: Sequence[Any]) -> tuple[Array, Array | None]:
    """Answers of shape (rows,) and, of a classifier, shares of shape (rows, classes) in the order of `classes`.

    Without `classes` the estimator is a regressor: its answers are float64, and there are no shares.
    """
    if not classes:
        return np.asarray(estimator.predict(values), dtype=np.float64).reshape(len(values)), None
    shares: Array = np.asarray(estimator.predict_proba(values))
    return np.asarray(classes)[shares.argmax(axis=1)], shares


def same(found: Sequence[Any], expected: Sequence[Any]) -> int:
    """How many of `found` are what was expected: numbers within the tolerance, rows of numbers number by number."""
    return sum(equal(one, other) for one, other in zip(found, expected, strict=False))


def equal(one: Any, other: Any) -> bool:
    """Whether two answers, as JSON has them, are the same."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and same(one, other) == len(one)
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(one) is type(other) and bool(one == other)
