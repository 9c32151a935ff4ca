"""Whether explanations of the same rows, computed in other orders of the columns, say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.registry import explanation
from aifactory_runtime.registry.explanation import Columns, Score

NAME = "explanations"
NOT_EXPLAINED = "the model keeps no background rows: its answers are not explained"
_NOT_MIXED = "rows cannot be mixed with background rows: their answers are not explained"
_SEEDS = (explanation.SEED, explanation.SEED + 1)
MILD = 0.9
"""Below this a person is told."""
_VALUES = 300
"""So many values are computed, of ten rows at most and two at least: what an explanation costs grows with columns."""
_MOST_ROWS, _LEAST_ROWS = 10, 2
Array = np.ndarray[Any, Any]


def rows(columns: int) -> int:
    """How many rows are explained."""
    return max(_LEAST_ROWS, min(_MOST_ROWS, _VALUES // max(columns, 1)))


def of(
    given: Sequence[Columns], background: Columns, score: Callable[[Columns], Score], width: int, least: float | None
) -> Evidence:
    """The agreement of two explanations of each row of `given`, each as columns of one row.

    `score` gives what the explained number of such a row is computed by; `width` is how many columns the model sees.
    """
    if not background:
        return Evidence(NAME, {"agreement": None, "rows": 0, "least": least, "notes": [NOT_EXPLAINED]})
    try:
        found = [_values([_explained(row, background, score(row), width, seed) for row in given]) for seed in _SEEDS]
    except ValueError:
        return Evidence(NAME, {"agreement": None, "rows": 0, "least": least, "notes": [_NOT_MIXED]})
    agreement = agree(*found)
    report: dict[str, Any] = {"agreement": agreement, "rows": len(given), "least": least, "notes": []}
    said = f"explanations of the same rows in other orders agree by {agreement:.3g}"
    if least is not None and agreement < least:
        return Evidence(NAME, report, (f"{said}, at least {least:g} is asked for",))
    return Evidence(NAME, report, (), (f"{said}: they depend on chance",) if agreement < MILD else ())


def agree(one: Array, other: Array) -> float:
    """Correlation of values of shape (rows, columns), each row about its own zero; 1 where nothing is explained."""
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    if size == 0.0:
        return float(not np.any(one - other))
    return float((one * other).sum() / size)


def _explained(row: Columns, background: Columns, score: Score, width: int, seed: int) -> dict[str, float]:
    answer = float(score(row)[0])
    return dict(explanation.explain(answer, row, background, score, width, seed=seed).columns)


def _values(found: Sequence[dict[str, float]]) -> Array:
    return np.array([list(one.values()) for one in found])
