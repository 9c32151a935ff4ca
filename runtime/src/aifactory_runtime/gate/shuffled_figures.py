"""The figures of `pipeline.scores` for many shuffles of the labels at once, signed so that more is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aifactory_runtime.gate.metrics import Metric

_BINARY = 2
Array = np.ndarray[Any, Any]
Score = Callable[[Array], Array]
"""Labels of shape (shuffles, rows) in, one figure a shuffle out, NaN where there is none."""


def of_numbers(metric: Metric, labels: Array, predicted: Array) -> Score:
    """The figure of a regression; errors as shares of the largest number, so that no square is too large."""
    largest = max(float(np.abs(labels).max(initial=0.0)), float(np.abs(predicted).max(initial=0.0)))
    largest = largest if math.isfinite(largest) and largest > 0 else 1.0

    def score(shuffled: Array) -> Array:
        truth = shuffled / largest
        errors = np.abs(truth - predicted / largest)
        if metric == "median_ae":
            return np.asarray(-np.median(errors, axis=1))
        if metric == "mae":
            return np.asarray(-errors.mean(axis=1))
        squared = (errors**2).mean(axis=1)
        with np.errstate(all="ignore"):
            return np.asarray(1.0 - squared / truth.var(axis=1) if metric == "r2" else -np.sqrt(squared))

    return score


def of_classes(
    metric: Metric, labels: Array, shares: Array, classes: Sequence[Any], positive: Any
) -> tuple[Array, Score]:
    """Labels as numbers, and the figure of a classification over such numbers; unknown labels come after `classes`."""
    known = {label: number for number, label in enumerate(np.asarray(classes).tolist())}
    numbers = np.array([known.setdefault(label, len(known)) for label in np.asarray(labels).tolist()])
    predicted = shares.argmax(axis=1)
    if metric == "accuracy":
        return numbers, lambda shuffled: np.asarray((shuffled == predicted).mean(axis=1))
    if metric == "log_loss":
        return numbers, _log_loss(shares, len(known))
    binary = len(classes) == _BINARY
    if metric == "roc_auc":
        return numbers, _roc_auc(shares, [1] if binary else range(len(classes)), len(known))
    only = [int(positive != classes[0])] if binary and len(known) == _BINARY else range(len(known))
    return numbers, _f1(predicted, only)


def _log_loss(shares: Array, count: int) -> Score:
    least = np.finfo(np.float64).eps
    given = np.full((len(shares), count), math.log(least))
    given[:, : shares.shape[1]] = np.log(np.clip(shares, least, 1.0))
    rows = np.arange(len(shares))
    return lambda shuffled: np.asarray(given[rows, shuffled].mean(axis=1))


def _roc_auc(shares: Array, places: Sequence[int], count: int) -> Score:
    """By the sums of ranks; averaged over the classes that some rows have and others have not."""
    places_of = np.zeros((len(shares), count))
    for place in places:
        places_of[:, place] = ranks(shares[:, place])
    rows, chosen = np.arange(len(shares)), list(places)

    def score(shuffled: Array) -> Array:
        size = len(shuffled)
        cells = (np.arange(size)[:, None] * count + shuffled).ravel()
        sums = np.bincount(cells, places_of[rows, shuffled].ravel(), size * count).reshape(size, count)[:, chosen]
        true = np.bincount(cells, minlength=size * count).reshape(size, count)[:, chosen]
        with np.errstate(all="ignore"):
            found = (sums - true * (true + 1) / 2) / (true * (len(rows) - true))
            there = np.isfinite(found)
            return np.asarray(np.where(there, found, 0.0).sum(axis=1) / there.sum(axis=1))

    return score


def _f1(predicted: Array, places: Sequence[int]) -> Score:
    """Twice the right answers of a class by those given and those true; averaged over the classes that occur."""

    def score(shuffled: Array) -> Array:
        found, there = np.zeros(len(shuffled)), np.zeros(len(shuffled))
        for place in places:
            true, said = shuffled == place, predicted == place
            both = true.sum(axis=1) + said.sum()
            found += 2.0 * (true & said).sum(axis=1) / np.maximum(both, 1)
            there += both > 0
        return found / np.maximum(there, 1)

    return score


def ranks(values: Array) -> Array:
    """Places from 1 in rising order; equal values share the middle of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: Array = (ends - (counts - 1) / 2.0)[places]
    return middles
