"""Columns that nearly tell the target alone, judged on rows they were not learned from; numpy only.

A column of numbers is cut into groups of about equal size, of texts each value is a group; a missing value is one too.
What a group says of the target is learned on one half of the rows and judged on the other, then the other way round: a
column of unique values says nothing about rows that were not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_ROWS = 50_000
"""Rows that are looked at; of more so many are drawn."""
_NEARLY = 0.97
"""roc_auc and r2 above this are named."""
_WAY = 0.9
"""How far accuracy must come from that of the most frequent class to 1."""
_LEAST_ROWS = 30
_LEAST_OF_A_CLASS = 10
"""With fewer rows chance alone reaches such figures."""
_GROUPS = 64
_ROWS_A_GROUP = 8
_MOST_VALUES, _MOST_COUNTS = 2_000, 2_000_000
"""Texts that are groups of their own, the most frequent, and how many counts by text and class are held."""
_MOST_CLASSES = 50
"""Classes whose roc_auc is averaged, the most frequent."""
_BINARY = 2
_SEED = 7
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Leak:
    """A column and the figure that it reaches alone; `without` is that figure when nothing is known of a row."""

    column: str
    figure: str
    value: float
    without: float

    def said(self, target: str) -> str:
        """What it does, after the column's name."""
        found = f"{self.figure} {self.value:.4f} (a guess without any column has {self.without:.4g}, a perfect one 1)"
        return f"alone nearly tells {target}: {found}"

    def note(self, target: str, place: str) -> str:
        """What a person should know, and can do; `place` is the path of schema.py."""
        return f"{self.column} {self.said(target)}. {advice(place)}"


def advice(place: str) -> str:
    """What to do about a column that nearly tells the target; `place` is the path of schema.py."""
    return (
        "If it is known only after the fact, the model does well in tests and fails in use: list it in IGNORED in "
        f"{place}, take it out of features.py, then factory sample"
    )


def judged(columns: Iterable[str], target: str, ignored: Collection[str], time: str | None) -> list[str]:
    """Which of a table's `columns` are looked at: all that a model is given, but for the one that orders the rows.

    What follows a trend is told by the time alone, and honestly: the time of a row is known, and test rows are newer.
    """
    return [name for name in columns if name not in {target, time, *ignored}]


def find(
    columns: Mapping[str, Array], target: Array, *, regression: bool, belongs: Array | None = None
) -> tuple[Leak, ...]:
    """The columns that nearly tell `target`, in the order given.

    Floats are numbers (NaN is missing), integers stand for texts (-1 is missing). `target` are numbers of a
    `regression`, else integers that stand for classes; rows without one are left out. Rows with equal integers in
    `belongs` stay in one half.
    """
    places = _looked_at(target)
    if len(places) < _LEAST_ROWS:
        return ()
    target = target[places]
    half = _halves(target, None if belongs is None else belongs[places])
    judge = _of_numbers if regression else _of_classes
    found = []
    with np.errstate(all="ignore"):
        for name, values in columns.items():
            leak = judge(name, values[places], target, half)
            found += [] if leak is None else [leak]
    return tuple(found)


def _looked_at(target: Array) -> Array:
    """Places of rows with a target, drawn evenly where they are too many."""
    places = np.flatnonzero(np.isfinite(target) if target.dtype.kind == "f" else target >= 0)
    if len(places) <= MOST_ROWS:
        return places
    return np.sort(np.random.default_rng(_SEED).choice(places, MOST_ROWS, replace=False))


def _halves(target: Array, belongs: Array | None) -> Array:
    """Truth values that choose one half of the rows; both halves have about the same targets."""
    draw = np.random.default_rng(_SEED)
    half = np.zeros(len(target), dtype=bool)
    if belongs is not None:
        _, groups = np.unique(belongs, return_inverse=True)
        return np.asarray((draw.permutation(int(groups.max()) + 1) % 2 == 0)[groups])
    shuffled = draw.permutation(len(target))
    half[shuffled[np.argsort(target[shuffled], kind="stable")][::2]] = True
    return half


def _groups(values: Array, most: int = _MOST_VALUES) -> Array:
    """Whole numbers from 0, one a group of rows: by value for texts, by size for numbers.

    A number that fills a group has it alone; texts beyond the `most` frequent share one.
    """
    if values.dtype.kind != "f":
        counts = np.bincount(values + 1)
        places = np.empty(len(counts), dtype=np.int64)
        places[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        return np.asarray(np.minimum(places[values + 1], most))
    known = np.isfinite(values)
    ordered = np.sort(values[known])
    count = min(_GROUPS, max(1, len(values) // (2 * _ROWS_A_GROUP)))
    ends = np.unique(ordered[np.arange(1, count) * len(ordered) // count]) if len(ordered) else ordered
    found = np.searchsorted(ends, values, "left") + np.searchsorted(ends, values, "right") + 1
    return np.where(known, found, 0)


def _of_classes(name: str, values: Array, target: Array, half: Array) -> Leak | None:
    classes, codes, sizes = np.unique(target, return_inverse=True, return_counts=True)
    often = np.argsort(-sizes, kind="stable")[:_MOST_CLASSES]
    judged = often[sizes[often] >= _LEAST_OF_A_CLASS]
    if len(judged) < _BINARY:
        return None
    judged = judged[-1:] if len(classes) == _BINARY else judged
    groups = _groups(values, max(1, min(_MOST_VALUES, _MOST_COUNTS // len(classes))))
    tables = [_counted(groups, codes, chosen, len(classes)) for chosen in (half, ~half)]
    both = ((tables[0], tables[1]), (tables[1], tables[0]))
    areas = [_area_of(learned, seen, judged) for learned, seen in both]
    area = _mean(areas)
    if len(classes) == _BINARY and values.dtype.kind == "f":
        area = float(np.fmax(area, _area_of_order(values, codes)))
    if area > _NEARLY:
        return Leak(name, "roc_auc", area, 0.5)
    right = _mean([_right(learned, seen) for learned, seen in both])
    base = float(sizes.max() / sizes.sum())
    return Leak(name, "accuracy", right, base) if right - base > _WAY * (1 - base) else None


def _counted(groups: Array, codes: Array, chosen: Array, classes: int) -> Array:
    """Rows by group and class."""
    size = (int(groups.max()) + 1) * classes
    return np.bincount(groups[chosen] * classes + codes[chosen], minlength=size).reshape(-1, classes)


def _shares(learned: Array) -> Array:
    """Shares of the classes in each group, drawn by one row towards those of all groups."""
    every = learned.sum(axis=0) / learned.sum()
    return np.asarray((learned + every) / (learned.sum(axis=1, keepdims=True) + 1.0))


def _area_of(learned: Array, seen: Array, judged: Array) -> float:
    """roc_auc of learned shares on rows counted in `seen`, each class against the rest, averaged.

    Rows that belong together may all be in one half. A class that was not learned, or that no row is seen of, is left
    out; NaN when none is left.
    """
    shares, rows = _shares(learned), seen.sum(axis=1)
    both = [place for place in judged if learned[:, place].any()]
    return _mean([_area(shares[:, place], seen[:, place], rows - seen[:, place]) for place in both])


def _mean(figures: Sequence[float]) -> float:
    """Of those that could be judged; NaN when none could."""
    known = [figure for figure in figures if not np.isnan(figure)]
    return float(np.mean(known)) if known else float("nan")


def _area(scores: Array, hits: Array, others: Array) -> float:
    """roc_auc where `hits` and `others` count the rows of each score."""
    _, places = np.unique(scores, return_inverse=True)
    up, down = np.bincount(places, hits), np.bincount(places, others)
    return float((up * (np.cumsum(down) - down / 2)).sum() / (up.sum() * down.sum()))


def _area_of_order(numbers: Array, codes: Array) -> float:
    """roc_auc of the numbers as they are, the better way round; missing ones lie below all. Groups need more rows."""
    area = _area(np.where(np.isfinite(numbers), numbers, -np.inf), codes, 1 - codes)
    return max(area, 1.0 - area)


def _right(learned: Array, seen: Array) -> float:
    """Share of the rows in `seen` whose class is the likeliest of their group."""
    return float(seen[np.arange(len(seen)), _shares(learned).argmax(axis=1)].sum() / seen.sum())


def _of_numbers(name: str, values: Array, target: Array, half: Array) -> Leak | None:
    """By means of groups; of numbers also by a line in each group, or by their order, which needs fewer rows."""
    groups = _groups(values)
    found = {"r2": _both_ways(groups, None, target, half)}
    if values.dtype.kind == "f":
        numbers = np.where(np.isfinite(values), values, 0.0)
        found["r2"] = np.fmax(found["r2"], _both_ways(groups, numbers, target, half))
        if not found["r2"] > _NEARLY:
            found["r2 of ranks"] = float(np.corrcoef(_ranks(values), _ranks(target))[0, 1] ** 2)
    return next((Leak(name, figure, float(value), 0.0) for figure, value in found.items() if value > _NEARLY), None)


def _ranks(values: Array) -> Array:
    """Places in order, equal values in the middle of theirs; missing ones lie below all."""
    _, places, counts = np.unique(
        np.where(np.isfinite(values), values, -np.inf), return_inverse=True, return_counts=True
    )
    return np.asarray((np.cumsum(counts) - counts / 2)[places])


def _both_ways(groups: Array, numbers: Array | None, target: Array, half: Array) -> float:
    return float(np.mean([_explained(groups, numbers, target, chosen) for chosen in (half, ~half)]))


def _explained(groups: Array, numbers: Array | None, target: Array, chosen: Array) -> float:
    """r2 on the rows that are not `chosen` of what these teach."""
    size = int(groups.max()) + 1
    taught, learned = groups[chosen], target[chosen]
    rows = np.maximum(np.bincount(taught, minlength=size), 1)
    middle = learned.mean()
    means = np.bincount(taught, learned - middle, minlength=size) / rows + middle
    guess = means[groups]
    if numbers is not None:
        apart = numbers - (np.bincount(taught, numbers[chosen], minlength=size) / rows)[groups]
        spread = np.bincount(taught, apart[chosen] ** 2, minlength=size)
        together = np.bincount(taught, apart[chosen] * (learned - means[taught]), minlength=size)
        guess = guess + np.where(spread > 0, together / np.where(spread > 0, spread, 1.0), 0.0)[groups] * apart
    rest, truth = (target - guess)[~chosen], target[~chosen]
    return float(1.0 - (rest**2).sum() / ((truth - truth.mean()) ** 2).sum())
