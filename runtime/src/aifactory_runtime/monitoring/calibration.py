"""Whether what a model says how likely it is still comes true that often: bins of shares, held against the gate's.

Which share counts is the gate's rule; of a regression it is the mean error, which would be zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.gate import spread
from aifactory_runtime.gate.calibration import BINS, bin_of, of_rows
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.slices import LEAST_ROWS

LEAST = 0.02
"""By so much more than at the gate answers may be wrong about how likely they are."""
LEAST_ERRORS = 0.1
"""So much of a typical error the mean error of a regression may move."""
_DRAWS = 500
_SURE = 0.99
_SIGMAS = 3.0
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Calibration:
    """Rows of a bin of shares, how much oftener it came true than was said, and the error of that; a bin a place.

    Of a regression there is one bin: the mean of label minus answer.
    """

    rows: tuple[int, ...]
    gaps: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Judged:
    """How far answers are off, how far they may be, and whether they are too far."""

    value: float
    threshold: float

    @property
    def over(self) -> bool:
        """Whether it is more than chance and what the gate found explain."""
        return self.value > self.threshold


def of(labels: Array, said: Answers) -> Calibration | None:
    """The calibration of answers to rows with these labels; None for no rows."""
    if not len(labels):
        return None
    if said.shares is None:
        found = spread.of_values(np.asarray(labels, dtype=np.float64) - np.asarray(said.predicted, dtype=np.float64))
        return None if found is None else Calibration((found.rows,), (found.value,), (found.error,))
    shares, came_true = of_rows(labels, said)
    parts = [(came_true - shares)[bin_of(shares) == number] for number in range(BINS)]
    found_parts = [spread.of_values(part) for part in parts]
    return Calibration(
        tuple(len(part) for part in parts),
        tuple(0.0 if one is None else one.value for one in found_parts),
        tuple(0.0 if one is None else one.error for one in found_parts),
    )


def of_other_class(found: Calibration) -> Calibration:
    """Of two classes, the calibration of the other one's shares."""
    return Calibration(found.rows[::-1], tuple(-gap for gap in found.gaps[::-1]), found.errors[::-1])


def judged(was: Calibration, labels: Array, said: Answers, seed: int = 0) -> Judged:
    """Held against the gate's; rows of shape (rows,), one at least."""
    if said.shares is None:
        return _of_numbers(was, np.asarray(labels, dtype=np.float64) - np.asarray(said.predicted, dtype=np.float64))
    shares, came_true = of_rows(labels, said)
    placed = bin_of(shares)
    value = float(_off((came_true - shares)[None, :], placed)[0])
    rows = np.asarray(was.rows)
    # Were it as at the gate: its gaps, as far as these are known there, then labels that follow.
    known = np.where(rows < LEAST_ROWS, 0.5 / np.sqrt(rows + 1), np.asarray(was.errors))
    draw = np.random.default_rng(seed)
    gaps = np.asarray(was.gaps) + draw.normal(size=(_DRAWS, BINS)) * known
    likely = np.clip(shares + gaps[:, placed], 0.0, 1.0)
    usual = _off((draw.random(likely.shape) < likely) - shares, placed)
    at_gate = float(np.abs(np.asarray(was.gaps) * rows).sum() / max(1, rows.sum()))
    return Judged(value, max(float(np.quantile(usual, _SURE)), at_gate + LEAST))


def _of_numbers(was: Calibration, wrong: Array) -> Judged:
    """How far the mean of errors has moved."""
    spread_of_errors = was.errors[0] * math.sqrt(was.rows[0])
    noise = max(spread_of_errors, float(wrong.std())) * math.sqrt(1 / was.rows[0] + 1 / len(wrong))
    moved = abs(float(wrong.mean()) - was.gaps[0])
    return Judged(moved, max(_SIGMAS * noise, LEAST_ERRORS * spread_of_errors))


def _off(wrong: Array, placed: Array) -> Array:
    """How far shares are off what came true, bin by bin: `wrong` of shape (draws, rows) in, one mean a draw out."""
    return np.asarray(np.abs(wrong @ np.eye(BINS)[placed]).sum(axis=1) / len(placed))
