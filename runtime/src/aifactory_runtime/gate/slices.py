"""Figures of a candidate by slice of the rows, beside the champion's and the baseline's, and where it is worse."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from aifactory_runtime.gate import paired
from aifactory_runtime.gate.chance import MOST_P, Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric, amount, better, by_less

LEAST_ROWS = 30
"""A slice of fewer rows, or fewer groups of rows that belong together, is counted and not judged."""
_MOST_REASONS = 3
Array = np.ndarray[Any, Any]
Against = Literal["champion", "baseline"]
Score = Callable[[Array, Answers], float | None]
"""The gate's metric of answers to rows with these labels; None where there is none, as roc_auc of one class."""


@dataclass(frozen=True)
class Judged:
    """The rows that slices are made of, and what each model says of them."""

    rows: str
    """What rows these are, as people read it: the test rows, the frozen reference."""
    labels: Array
    candidate: Answers
    baseline: Answers
    champion: Answers | None = None
    units: Array | None = None
    """Numbers of shape (rows,), equal for rows that belong together; None when each counts alone."""

    @property
    def against(self) -> Against:
        """Whom the candidate is held against."""
        return "baseline" if self.champion is None else "champion"

    @property
    def other(self) -> Answers:
        """The answers of that one."""
        return self.baseline if self.champion is None else self.champion

    def of(self, places: Array) -> Judged:
        """Those of some rows."""
        champion = None if self.champion is None else self.champion.of(places)
        units = None if self.units is None else self.units[places]
        labels, candidate, baseline = self.labels[places], self.candidate.of(places), self.baseline.of(places)
        return Judged(self.rows, labels, candidate, baseline, champion, units)


@dataclass(frozen=True)
class Slice:
    """One slice; figures are None where rows are too few or the metric has none."""

    column: str
    name: str
    rows: int
    few: bool
    """Whether there are too few rows to judge it."""
    candidate: float | None = None
    champion: float | None = None
    baseline: float | None = None
    p: float | None = None
    """How often chance makes the candidate as bad; None where it is not worse by more than the margin."""
    worse: bool = False
    """Whether it is worse by more than the margin, and beyond the noise."""


@dataclass(frozen=True)
class Slices:
    """All slices, in the order of the columns; of one column their rows add up to all rows."""

    metric: Metric
    rows: str
    against: Against
    margin: float | None
    found: tuple[Slice, ...]
    notes: tuple[str, ...] = ()
    """Columns that are not cut, and why."""

    def lost(self, one: Slice) -> float | None:
        """By how much the candidate is worse in a slice; where less is better as a share of the other's figure."""
        other = one.champion if self.against == "champion" else one.baseline
        if one.candidate is None or other is None:
            return None
        if self.metric not in LOWER_IS_BETTER:
            return other - one.candidate
        return (one.candidate - other) / other if other else float(one.candidate > other)

    def worst(self) -> list[Slice]:
        """Slices that have figures: where the candidate is worse beyond the noise, then by how much it is."""
        known = [one for one in self.found if self.lost(one) is not None]
        return sorted(known, key=lambda one: (not one.worse, -(self.lost(one) or 0.0)))

    def objections(self) -> list[str]:
        """Reasons against the candidate; none without a margin."""
        if self.margin is None:
            return []
        worse = [one for one in self.worst() if one.worse]
        more = len(worse) - _MOST_REASONS
        said = [self._sentence(one) for one in worse[:_MOST_REASONS]]
        return [*said, *([f"so it is in {more} more slices, see slices.csv of the run"] if more > 0 else [])]

    def remarks(self) -> list[str]:
        """What to know of slices that refuse nothing."""
        worse = [] if self.margin is not None else [one for one in self.worst() if one.worse]
        return [self._sentence(one) for one in worse[:_MOST_REASONS]]

    def _sentence(self, one: Slice) -> str:
        other = one.champion if self.against == "champion" else one.baseline
        by = f"more than {amount(self.margin, self.metric)} " if self.margin else ""
        return (
            f"slice {one.name}: {self.metric} {one.candidate:.6g} on {one.rows} rows of {self.rows} is {by}worse than "
            f"the {self.against}'s {other:.6g}, and no chance (p {one.p:.2g})"
        )

    def report(self) -> dict[str, Any]:
        """As the gate's report holds it; the worst slices come first, those without figures last."""
        worst = self.worst()
        rest = [one for one in self.found if one not in worst]
        return {
            "rows": self.rows,
            "against": self.against,
            "metric": self.metric,
            "margin": self.margin,
            "found": [asdict(one) for one in (*worst, *rest)],
            "notes": list(self.notes),
        }

    def csv(self) -> str:
        """A line a slice, in the order of the columns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["column", "slice", "rows", "metric", "candidate", "champion", "baseline", "p", "judged"])
        for one in self.found:
            judged = "too few rows" if one.few else "worse" if one.worse else "not worse"
            judged = "no figure" if self.lost(one) is None and not one.few else judged
            figures = [one.candidate, one.champion, one.baseline, one.p]
            shown = ["" if figure is None else f"{figure:.6g}" for figure in figures]
            writer.writerow([one.column, one.name, one.rows, self.metric, *shown, judged])
        return text.getvalue()


@dataclass(frozen=True)
class Placed:
    """A column's slices by number, and the slice of each row, whole numbers of shape (rows,)."""

    column: str
    names: Sequence[str]
    places: Array


def of(
    metric: Metric,
    judged: Judged,
    columns: Sequence[Placed],
    score: Score,
    *,
    margin: float | None = None,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Slices:
    """The figures of each slice. Worse is what is worse by more than `margin`, or at all without one, beyond the noise.

    The more slices there are, the less likely chance has to be: of models that are alike one in a hundred at most has a
    slice in which it is called worse.
    """
    parts = [
        (placed.column, name, np.flatnonzero(placed.places == number))
        for placed in columns
        for number, name in enumerate(placed.names)
    ]
    parts = [part for part in parts if len(part[2])]
    enough = sum(not _few(judged, rows) for _, _, rows in parts)
    found = []
    for column, name, rows in parts:
        one = Slice(column, name, len(rows), _few(judged, rows))
        if not one.few:
            one = _measured(metric, one, judged.of(rows), score, (margin or 0.0, MOST_P / enough, seed))
        found.append(one)
    return Slices(metric, judged.rows, judged.against, margin, tuple(found), tuple(notes))


def _few(judged: Judged, rows: Array) -> bool:
    return (len(rows) if judged.units is None else len(np.unique(judged.units[rows]))) < LEAST_ROWS


def _measured(metric: Metric, one: Slice, part: Judged, score: Score, how: tuple[float, float, int]) -> Slice:
    """`how`: the margin, the largest p that is no chance, the seed."""
    margin, most_p, seed = how
    candidate, baseline = score(part.labels, part.candidate), score(part.labels, part.baseline)
    champion = None if part.champion is None else score(part.labels, part.champion)
    one = replace(one, candidate=candidate, champion=champion, baseline=baseline)
    other = baseline if part.champion is None else champion
    if candidate is None or other is None or not better(other, candidate, metric):
        return one
    if by_less(other, candidate, -margin, metric):
        return one
    p = paired.worse(metric, part.labels, part.candidate, part.other, units=part.units, most_p=most_p, seed=seed)
    return replace(one, p=p, worse=p <= most_p)
