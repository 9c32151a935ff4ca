"""Proxy metrics of a live test: figures of answers, known before any label. One that is worse withdraws, none wins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory_runtime.contract.trial import Proxy
from aifactory_runtime.livetest import figures
from aifactory_runtime.livetest.figures import Figure
from aifactory_runtime.livetest.rows import Row
from aifactory_runtime.livetest.verdict import Guard, Labels, Rules, Unjudged

_SHARES = (0.0, 1.0)


def values(stated: Sequence[Proxy], output: Mapping[str, Any] | None) -> tuple[float, ...]:
    """What one model's answer to one row counts in each figure; nan where it gave none."""
    return tuple(math.nan if output is None else _value(one, output) for one in stated)


def _value(stated: Proxy, output: Mapping[str, Any]) -> float:
    if stated.figure == "share":
        return float(output["prediction"] == stated.of)
    if stated.figure == "confidence":
        return float(max(output.get("probabilities") or (math.nan,)))
    return float(output["prediction"])


def guards(stated: Sequence[Proxy], rows: Sequence[Row], rules: Rules, now: float) -> list[Guard | Unjudged]:
    """How much worse the challenger's mean of each figure is `now`, in seconds since the test began, or why not known.

    Both models answer the same rows, and no label is waited for: a period counts as soon as it is over.
    """
    at_once = replace(rules, wait=0.0, labels=Labels.ALL)
    return [_guard(one, place, rows, at_once, now) for place, one in enumerate(stated)]


def _guard(stated: Proxy, place: int, rows: Sequence[Row], rules: Rules, now: float) -> Guard | Unjudged:
    given = np.array([row.figures[place] for row in rows], dtype=np.float64)
    other = np.array([row.other_figures[place] for row in rows], dtype=np.float64)
    champion, challenger = figures.by_role(rows, given, other)
    bounds = None if stated.figure == "prediction" else _SHARES
    figure = Figure("proxy", stated.name, stated.direction, stated.margin, champion, challenger, bounds, at_once=True)
    found = figures.guard(figure, rows, rules, now)
    if stated.figure == "share" and isinstance(found, Guard) and not (given == 1).any() and not (other == 1).any():
        return figure.unjudged(f"no answer of either model is {stated.of!r}: is the class called so?")
    return found
