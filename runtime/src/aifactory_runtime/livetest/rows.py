"""From what was recorded during a live test to what its verdict counts: requests with the losses of both models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.livetest import losses
from aifactory_runtime.livetest.units import Requests
from aifactory_runtime.livetest.verdict import Labels, Rules

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """One scored row of a test; times are in seconds since the test began."""

    asked: float
    labelled: float
    """When its label came; nan for none."""
    label: Any
    key: str
    turn: str
    """`champion` or `challenger`: whose turn it was by the split."""
    role: str
    """Who answered."""
    given: Any
    """Prediction of who answered."""
    other: Any
    """Prediction of the other model; None where it gave none."""
    kpi: float = math.nan
    """Of the row with the answer that was given; nan for none."""
    other_kpi: float = math.nan
    """Of the row with the other model's answer, where that can be worked out."""
    figures: tuple[float, ...] = ()
    """What the answer that was given counts in each proxy metric of the test."""
    other_figures: tuple[float, ...] = ()
    """The same of the other model's answer; nan where it gave none."""


def requests(rows: Sequence[Row], rules: Rules, *, classes: bool) -> Requests:
    """The rows of a test in order of request, with their losses.

    Errors of numbers need a limit from before they are counted: the first period sets it, and does not count.
    """
    affected = rules.labels is Labels.AFFECTED
    ours = [row.other if row.role == "challenger" else row.given for row in rows]
    theirs = [row.given if row.role == "challenger" else row.other for row in rows]
    if affected:  # the label is of what was done upon the answer
        ours = [None if row.role == "challenger" else one for row, one in zip(rows, ours, strict=True)]
        theirs = [one if row.role == "challenger" else None for row, one in zip(rows, theirs, strict=True)]
    asked = np.array([row.asked for row in rows], dtype=np.float64)
    known = np.array([not np.isnan(row.labelled) for row in rows], dtype=bool)
    labels = [row.label for row in rows]
    begins = 0.0 if classes else rules.period
    limit = 1.0 if classes else _limit(labels, ours, known & (asked < begins))
    made = Requests(
        asked=asked,
        labelled=np.array([row.labelled for row in rows], dtype=np.float64),
        keys=np.array([row.key for row in rows], dtype=object).astype(str),
        challenger=np.array([(row.role if affected else row.turn) == "challenger" for row in rows], dtype=bool),
        champion_loss=_losses(labels, ours, known, limit, classes=classes),
        challenger_loss=_losses(labels, theirs, known, limit, classes=classes),
    )
    return made.at(np.argsort(asked, kind="stable")).at_least(begins)


def _limit(labels: Sequence[Any], predicted: Sequence[Any], usable: Array) -> float:
    """The champion's error that counts as 1; 1 where nothing tells it, as nothing is counted then either."""
    found = [row for row in np.flatnonzero(usable).tolist() if predicted[row] is not None]
    if not found:
        return 1.0
    return losses.limit_of(np.array([labels[row] for row in found]), np.array([predicted[row] for row in found]))


def _losses(labels: Sequence[Any], predicted: Sequence[Any], known: Array, limit: float, *, classes: bool) -> Array:
    """From 0 to 1; nan where there is no label, or no prediction."""
    made = np.full(len(labels), np.nan)
    found = [row for row in np.flatnonzero(known).tolist() if predicted[row] is not None]
    if found:
        truth, said = [labels[row] for row in found], [predicted[row] for row in found]
        if classes:
            made[found] = [float(one != other) for one, other in zip(truth, said, strict=True)]
        else:
            made[found] = losses.of_numbers(np.array(truth, dtype=float), np.array(said, dtype=float), limit)
    return made
