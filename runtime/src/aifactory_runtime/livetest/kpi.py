"""The KPI in a live test: how much worse the challenger's is, but for chance. It can end a test, and never win one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.livetest import evidence, units, verdict
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.livetest.units import Requests
from aifactory_runtime.livetest.verdict import Guard, Labels, Rules

_OUTER = (0.005, 0.995)
"""Values of the champion beyond these count as the outermost: a KPI has no bound of its own."""
Array = np.ndarray[Any, Any]


def guard(stated: Kpi, rows: Sequence[Row], rules: Rules, now: float) -> Guard | None:
    """How much worse the challenger's KPI is `now`, in seconds since the test began; None where nobody can know.

    The first period sets what values are usual, and does not count. What `kpi.py` works out is known of both models on
    the same row; what labels bring is of who answered, so in a shadow test there is none of the challenger.
    """
    paired = stated.field is None and rules.labels is Labels.ALL
    if not paired and not 0 < rules.share < 1:
        return None
    asked = np.array([row.asked for row in rows], dtype=np.float64)
    theirs = np.array([row.role == "challenger" for row in rows], dtype=bool)
    given = np.array([row.kpi for row in rows], dtype=np.float64)
    other = np.array([row.other_kpi if paired else np.nan for row in rows], dtype=np.float64)
    champion, challenger = np.where(theirs, other, given), np.where(theirs, given, other)
    limits = _limits(champion[(asked < rules.period) & np.isfinite(champion)])
    if limits is None:
        return None
    made = Requests(
        asked=asked,
        labelled=np.array([row.labelled for row in rows], dtype=np.float64),
        keys=np.array([row.key for row in rows], dtype=object).astype(str),
        challenger=theirs,
        champion_loss=_losses(champion, limits, stated),
        challenger_loss=_losses(challenger, limits, stated),
    )
    made = made.at(np.argsort(asked, kind="stable")).at_least(rules.period)
    closed = units.closed_periods(min(now, rules.longest + rules.wait), rules.period, rules.wait)
    how = rules if paired else replace(rules, labels=Labels.AFFECTED)
    low, high = evidence.interval(verdict.seen(how, made, closed), rules.alpha)
    width = limits[1] - limits[0]
    return Guard(stated.name, (-high * width, -low * width), stated.margin)


def _limits(usual: Array) -> tuple[float, float] | None:
    if not len(usual):
        return None
    low, high = map(float, np.quantile(usual, _OUTER))
    apart = 0.0 if high > low else max(1.0, abs(low))  # always the same: what is unlike it counts on either side
    return low - apart, high + apart


def _losses(values: Array, limits: tuple[float, float], stated: Kpi) -> Array:
    """From 0, the best, to 1; nan where there is no value."""
    shares = np.clip((values - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    return np.asarray(1.0 - shares if stated.direction == "up" else shares)
