"""Stand-in of the consumer: holds answers of the service and rows of `scored` against what the consumer relies on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aifactory_runtime.config.consumer import Predictions

_SUM_TOLERANCE = 1e-6


def broken_answer(answer: Mapping[str, Any], rows: int, wanted: Predictions) -> str | None:
    """Why an answer of `/predict` is not what the consumer of `rows` rows relies on; None when it is."""
    for key in ("predictions", "prediction_ids"):
        if len(answer.get(key) or ()) != rows:
            return f"{len(answer.get(key) or ())} {key} for {rows} rows"
    if not answer.get("model_version"):
        return "no model_version"
    shares = answer.get("probabilities") or []
    if wanted.probabilities and (len(shares) != rows or not all(_is_distribution(row) for row in shares)):
        return "probabilities that are missing or do not add up to 1"
    return broken_predictions(answer["predictions"], wanted)


def broken_predictions(predictions: Sequence[Any], wanted: Predictions) -> str | None:
    """Why predictions are not what the consumer understands; None when they are. No value is repeated."""
    if wanted.values is not None:
        known = {(type(value), value) for value in wanted.values}
        unknown = sum((type(one), one) not in known for one in predictions)
        if unknown:
            return f"{unknown} of {len(predictions)} predictions are not among the {len(known)} values it understands"
    low = -math.inf if wanted.minimum is None else wanted.minimum
    high = math.inf if wanted.maximum is None else wanted.maximum
    if (low, high) != (-math.inf, math.inf):
        outside = sum(not _is_within(one, low, high) for one in predictions)
        if outside:
            return f"{outside} of {len(predictions)} predictions are not numbers from {low:g} to {high:g}"
    return None


def _is_distribution(row: Sequence[float]) -> bool:
    return math.isclose(sum(row), 1.0, abs_tol=_SUM_TOLERANCE)


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
