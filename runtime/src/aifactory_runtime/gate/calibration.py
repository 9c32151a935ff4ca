"""Whether a classifier's probabilities come true as often as they say, beside what chance does with these rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from aifactory_runtime.gate.chance import MOST_P, Answers
from aifactory_runtime.gate.evidence import Evidence

NAME = "calibration"
BINS = 10
_DRAWS = 299
_MOST_ROWS = 20_000
_TWO = 2
Array = np.ndarray[Any, Any]


def of(labels: Array, said: Answers, learned: Array, limit: float | None, *, seed: int) -> Evidence:
    """Expected calibration error in ten bins of like probability, and the Brier score beside that of constant shares.

    Which probability counts: see `of_rows`. Chance: labels are drawn as often as the probabilities say, as a calibrated
    model would meet them.
    """
    if said.shares is None:
        return Evidence(NAME, {"notes": ["a regression has no probabilities"], "limit": limit})
    draw = np.random.default_rng(seed)
    chosen = np.arange(len(labels))
    if len(labels) > _MOST_ROWS:
        chosen = np.sort(draw.choice(len(labels), _MOST_ROWS, replace=False))
    told, true = of_rows(labels[chosen], said.of(chosen))
    error = _error(told, true)
    by_chance = np.array([_error(told, draw.random(len(told)) < told) for _ in range(_DRAWS)])
    p = (1 + int((by_chance >= error).sum())) / (1 + _DRAWS)
    report: dict[str, Any] = {
        "error": error,
        "by_chance": float(np.quantile(by_chance, 0.95)),
        "p": p,
        "brier": _brier(labels, said.shares, said.classes),
        "brier_of_baseline": _brier(labels, _constant(learned, len(labels), said.classes), said.classes),
        "rows": len(told),
        "bins": _bins(told, true),
        "limit": limit,
        "notes": [],
    }
    if limit is None or not (error > limit and p <= MOST_P):
        return Evidence(NAME, report)
    reason = (
        f"calibration: probabilities lie {error:.3g} from how often they come true on {len(told)} rows, {limit:g} at "
        f"most, and no chance (p {p:.2g}): see pictures/calibration.svg of the run"
    )
    return Evidence(NAME, report, (reason,))


def bin_of(shares: Array) -> Array:
    """Which of the `BINS` equally wide bins from 0 to 1 each probability is in; 1 is in the last."""
    return np.asarray(np.minimum((shares * BINS).astype(int), BINS - 1))


def of_rows(labels: Array, said: Answers) -> tuple[Array, Array]:
    """The probability of each row that is judged, and whether it came true, as 0 or 1; both of shape (rows,).

    Of two classes that of the positive one, which is the second unless the answers name another; of more that of the
    likeliest class. Only of a classifier.
    """
    shares, classes = np.asarray(said.shares, dtype=np.float64), np.asarray(said.classes).tolist()
    places = shares.argmax(axis=1)
    if len(classes) == _TWO:
        places = np.full(len(shares), classes.index(said.positive) if said.positive in classes else 1)
    true = [label == classes[place] for label, place in zip(np.asarray(labels).tolist(), places, strict=True)]
    return shares[np.arange(len(shares)), places], np.array(true, dtype=np.float64)


def _bins(told: Array, true: Array) -> list[dict[str, float]]:
    """Of each bin that has rows: the mean probability, the share that came true, and how many rows."""
    places = bin_of(told)
    there = [(told[places == number], true[places == number]) for number in np.unique(places)]
    return [{"said": float(one.mean()), "true": float(other.mean()), "rows": len(one)} for one, other in there]


def _error(told: Array, true: Array) -> float:
    """Distance of mean probability and share that came true, weighted by the rows of each bin."""
    off = np.bincount(bin_of(told), weights=told - true, minlength=BINS)
    return float(np.abs(off).sum() / len(told))


def _brier(labels: Array, shares: Array, classes: Any) -> float | None:
    """scikit-learn's: 0 is best; None when a label is of no class that the model knows."""
    from sklearn.metrics import brier_score_loss

    known = list(classes)
    if not set(np.asarray(labels).tolist()) <= set(known):
        return None
    if len(known) == _TWO:
        return float(brier_score_loss(np.asarray(labels) == known[1], shares[:, 1]))
    places = np.array([known.index(label) for label in np.asarray(labels).tolist()])
    return float(brier_score_loss(places, shares, labels=list(range(len(known)))))


def _constant(learned: Array, rows: int, classes: Any) -> Array:
    counts = np.array([np.count_nonzero(learned == label) for label in classes], dtype=np.float64)
    return np.tile(counts / counts.sum(), (rows, 1))
