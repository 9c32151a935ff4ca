"""Whether a window of rows is unlike the reference, by column, from counts in bins.

How far windows lie from the reference without any change is measured, not assumed: a threshold is drawn from
*consecutive* stretches of the champion's own traffic, which holds its rhythm of days and weeks. Rows drawn at random
hide that rhythm and alarm at each of its hours. An alarm takes the same column in two windows running. Before there is
enough traffic, windows are drawn from the shares of the training rows, which know no rhythm: `expect`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.monitoring import bins
from aifactory_runtime.monitoring.bins import Bins, Numbers

LEAST_WINDOWS = 20
"""Own traffic of so many windows is needed for a threshold."""
STRETCHES = 400
QUANTILE = 0.95
LEAST_EFFECT = 0.05
"""What is nearer to the reference than this is no matter, however sure."""
_TINY = 1e-6
_LEAST_SHARE = 1e-4
_TWO = 2
Array = np.ndarray[Any, Any]
Places = Mapping[str, Array]
"""The bin of each row by column; all of shape (rows,), in order of request."""


@dataclass(frozen=True)
class Threshold:
    """What windows without any change look like; figures by column."""

    size: int
    """Rows of a window."""
    reference: Mapping[str, Array]
    """Share of rows in each bin."""
    usual: Mapping[str, float]
    """The mean distance of a window."""
    spread: Mapping[str, float]
    """The standard deviation of that distance."""
    largest: float
    """What the largest standardised distance of all columns stays below in 95 % of windows; in all of whole ones."""


@dataclass(frozen=True)
class Distance:
    """How far a column of a window lies from the reference."""

    column: str
    effect: float
    """From 0 to 1: numbers by the largest distance of cumulative shares, categories by total variation."""
    standardised: float
    over: bool
    """Beyond the threshold, and large enough to matter."""


def distance(kind: Bins, reference: Array, window: Array) -> float:
    """How far shares of rows in bins lie apart, from 0 to 1; both of shape (bins,)."""
    apart = window - reference
    return float(np.abs(np.cumsum(apart)).max() if isinstance(kind, Numbers) else np.abs(apart).sum() / 2)


def calibrate(kinds: Mapping[str, Bins], places: Places, size: int, seed: int = 0, *, whole: bool = False) -> Threshold:
    """The threshold of windows of `size` rows, from rows in order of request.

    With `whole` the rows are windows one after another, each a unit such as a batch. As these are few, each is held
    against the others alone, and the largest distance counts in place of a quantile.

    Raises:
        ValueError: fewer than 20 windows of rows; the quantile of so few would be chance.
    """
    rows = min(len(each) for each in places.values()) if places else 0
    if rows < LEAST_WINDOWS * size:
        raise ValueError(f"{rows:,} rows are fewer than {LEAST_WINDOWS} windows of {size:,}")
    drawn = np.random.default_rng(seed).integers(0, rows - size, STRETCHES, endpoint=True)
    starts = np.arange(0, rows - size + 1, size) if whole else drawn
    reference = {name: shares(kind, places[name]) for name, kind in kinds.items()}
    found = {
        name: np.array(
            [distance(kind, reference[name], shares(kind, places[name][start : start + size])) for start in starts]
        )
        for name, kind in kinds.items()
    }
    if not whole:
        return _threshold(size, reference, found)
    to_others = rows / (rows - size)  # a window is a part of the reference, which makes it look nearer by that
    return _threshold(size, reference, {name: each * to_others for name, each in found.items()}, quantile=1.0)


def expect(
    kinds: Mapping[str, Bins], reference: Mapping[str, Array], rows: Mapping[str, int], size: int, seed: int = 0
) -> Threshold:
    """The threshold of windows of `size` rows, from the shares of training rows; `rows` is how many each is of.

    As these are few, too, they are drawn like the window: else a small table alarms by itself.
    """
    draw = np.random.default_rng(seed)
    found = {}
    for name, kind in kinds.items():
        expected = reference[name] / reference[name].sum()
        windows = draw.multinomial(size, expected, STRETCHES) / size
        references = draw.multinomial(rows[name], expected, STRETCHES) / rows[name]
        apart = zip(references, windows, strict=True)
        found[name] = np.array([distance(kind, one, other) for one, other in apart])
    return _threshold(size, reference, found)


def _threshold(
    size: int, reference: Mapping[str, Array], found: Mapping[str, Array], quantile: float = QUANTILE
) -> Threshold:
    """From the distances of windows without any change, by column."""
    usual = {name: float(each.mean()) for name, each in found.items()}
    spread = {name: float(each.std()) for name, each in found.items()}
    standardised = [_standardised(each, usual[name], spread[name]) for name, each in found.items()]
    largest = float(np.quantile(np.max(standardised, axis=0), quantile)) if standardised else 0.0
    return Threshold(size, reference, usual, spread, largest)


def distances(threshold: Threshold, kinds: Mapping[str, Bins], window: Mapping[str, Array]) -> list[Distance]:
    """Each column that `window` holds, the most unlike first; it holds shares of shape (bins,) by column."""
    found = []
    for name in threshold.reference.keys() & window.keys():
        reference = threshold.reference[name]
        effect = distance(kinds[name], reference, window[name])
        by = float(_standardised(np.array([effect]), threshold.usual[name], threshold.spread[name])[0])
        found.append(Distance(name, effect, by, by > threshold.largest and effect > LEAST_EFFECT))
    return sorted(found, key=lambda each: (-each.standardised, each.column))


def alarms(before: Collection[str], now: Sequence[Distance]) -> list[Distance]:
    """Columns of the window `now` that are over, and were in the window before it too: its columns are `before`."""
    return [each for each in now if each.over and each.column in before]


def psi(reference: Array, window: Array) -> float:
    """Population stability index. It grows with the number of bins, so it is shown and decides nothing."""
    of, to = np.maximum(reference, _LEAST_SHARE), np.maximum(window, _LEAST_SHARE)
    return float(((to - of) * np.log(to / of)).sum())


def wasserstein(kind: Numbers, reference: Array, window: Array) -> float | None:
    """How far values have moved on average, in the column's own unit, from edge to edge; None with fewer than two.

    What lies beyond the outer edges counts as if it lay on them, so a long tail is not seen. Shown, decides nothing.
    """
    if len(kind.edges) < _TWO:
        return None
    of, to = _present(reference), _present(window)
    if of is None or to is None:
        return None
    # Bins after the one of what is missing: below the first edge, at it, between it and the second, at that ...
    below = np.abs(np.cumsum(to - of))[1::2][:-1]
    return float((below * np.diff(np.asarray(kind.edges))).sum())


def shares(kind: Bins, places: Array) -> Array:
    """The share of rows in each bin, shape (bins,); of no rows all are 0."""
    return bins.counts(kind, places) / max(1, len(places))


def _present(counted: Array) -> Array | None:
    """Shares among the values that are there; None when none is."""
    there = counted[1:].sum()
    return None if there <= 0 else counted[1:] / there


def _standardised(distances: Array, usual: float, spread: float) -> Array:
    """In standard deviations above what is usual; a column that never moved is far away as soon as it does."""
    apart: Array = distances - usual
    return apart / max(spread, _TINY)
