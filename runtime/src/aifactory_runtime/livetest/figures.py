"""A figure of both models' answers: how much worse the challenger's is, but for chance. It ends a test, wins none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from aifactory_runtime.contract import trial
from aifactory_runtime.livetest import evidence, units, verdict
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.livetest.units import Requests
from aifactory_runtime.livetest.verdict import Guard, Rules, Unjudged

_OUTER = (0.005, 0.995)
"""Values of the champion beyond these count as the outermost, where a figure has no bound of its own."""
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Figure:
    """What is watched beside the loss, of each row by each model."""

    kind: str
    """`KPI` or `proxy`, as people are told of it."""
    name: str
    direction: Literal["up", "down"]
    """`up`: more is better."""
    margin: float
    """How much worse its mean may be, in its own unit."""
    champion: Array
    """Of shape (rows,), nan where it is not known."""
    challenger: Array
    bounds: tuple[float, float] | None = None
    """Between which it lies. None: values of the first period tell what is usual, and that period does not count."""
    at_once: bool = False
    """Whether it is known with the answer, else with the label."""

    def unjudged(self, why: str) -> Unjudged:
        """Why nobody can say how much worse it is."""
        return Unjudged(f"{self.kind} {self.name}", why)


def guard(figure: Figure, rows: Sequence[Row], rules: Rules, now: float) -> Guard | Unjudged:
    """How much worse the challenger's figure is `now`, in seconds since the test began, or why nobody can know.

    Only what was known within `rules.wait` after its request counts.
    """
    closed = units.closed_periods(min(now, rules.longest + rules.wait), rules.period, rules.wait)
    begins = rules.period if figure.bounds is None else 0.0
    if not closed:
        late = f", and the {trial.written(rules.wait)} that a label has" if rules.wait else ""
        return figure.unjudged(f"no period of {trial.written(rules.period)}{late} is over yet")
    asked = np.array([row.asked for row in rows], dtype=np.float64)
    labelled = asked if figure.at_once else np.array([row.labelled for row in rows], dtype=np.float64)
    # What comes later than the wait counts nowhere, so that nothing changes what was counted before.
    usual = figure.champion[(asked < begins) & (labelled - asked <= rules.wait)]
    limits = figure.bounds or _limits(usual[np.isfinite(usual)])
    if limits is None:
        return figure.unjudged(
            "no row of the first period, which tells what values are usual, has it of the champion's answer: it is not "
            "judged in this test"
        )
    if begins and closed == 1:
        return figure.unjudged("the first period tells what values are usual and does not count, the next is not over")
    made = Requests(
        asked=asked,
        labelled=labelled,
        keys=np.array([row.key for row in rows], dtype=object).astype(str),
        challenger=np.array([row.role == "challenger" for row in rows], dtype=bool),
        champion_loss=_losses(figure.champion, limits, figure.direction),
        challenger_loss=_losses(figure.challenger, limits, figure.direction),
    )
    made = made.at(np.argsort(asked, kind="stable")).at_least(begins)
    seen = verdict.seen(rules, made, closed)
    if not len(seen):
        return figure.unjudged("no row of the periods that are over and count has it of both models")
    low, high = evidence.interval(seen, rules.alpha)
    width = limits[1] - limits[0]
    return Guard(figure.name, (-high * width, -low * width), figure.margin)


def _limits(usual: Array) -> tuple[float, float] | None:
    if not len(usual):
        return None
    low, high = map(float, np.quantile(usual, _OUTER))
    apart = 0.0 if high > low else max(1.0, abs(low))  # always the same: what is unlike it counts on either side
    return low - apart, high + apart


def _losses(values: Array, limits: tuple[float, float], direction: Literal["up", "down"]) -> Array:
    """From 0, the best, to 1; nan where there is no value."""
    shares = np.clip((values - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    return np.asarray(1.0 - shares if direction == "up" else shares)


def by_role(rows: Sequence[Row], given: Array, other: Array) -> tuple[Array, Array]:
    """The champion's and the challenger's values, from those of who answered and of the other model."""
    theirs = np.array([row.role == "challenger" for row in rows], dtype=bool)
    return np.where(theirs, other, given), np.where(theirs, given, other)


def of_arms(rules: Rules) -> Rules:
    """The same rules for a figure that is known of who answered alone."""
    return replace(rules, labels=verdict.Labels.AFFECTED)
