"""Whether the champion is still what was released: its age, and how far what it said came true.

Labelled windows are held against what the gate found on the test rows. What is worse has to be so by more than the
margin, by more than chance explains, and in two windows running.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import MonitoringSettings
from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.gate import spread
from aifactory_runtime.gate.chance import MOST_P, Answers
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.gate.slices import LEAST_ROWS
from aifactory_runtime.gate.spread import Measured
from aifactory_runtime.monitoring import calibration, result
from aifactory_runtime.monitoring.result import ALARM, NO_DATA, NO_LABELS, OK, Result

if TYPE_CHECKING:
    from aifactory_runtime.monitoring.expected import Expected

STALENESS, FIGURES, CALIBRATION, KPI, LABELS = "staleness", "figures", "calibration", "kpi", "labels"
LATE = "late_labels"
OVER = "over"
OWN_WINDOWS = 3
"""So many labelled windows of a champion are what a KPI that labels bring is held against."""
_DAY_SECONDS = 86_400
_NOT_KEPT = "the model was judged before the gate's figures were kept for this: train it again"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Labelled:
    """Predictions of one model with the labels that count, in order of request; all of shape (rows,)."""

    labels: Array
    said: Answers
    places: Mapping[str, Array] = field(default_factory=dict)
    """The slice of each row by column, for columns that are recorded as they came."""
    kpi: Array | None = None
    """NaN where a row has none; None without a KPI."""
    groups: Mapping[str, Array] = field(default_factory=dict)
    """The group of people of each row by protected column, likewise."""

    def of(self, rows: slice) -> Labelled:
        """Some of them."""
        chosen = np.arange(len(self.labels))[rows]
        places = {name: each[chosen] for name, each in self.places.items()}
        groups = {name: each[chosen] for name, each in self.groups.items()}
        kpi = None if self.kpi is None else self.kpi[chosen]
        return Labelled(self.labels[chosen], self.said.of(chosen), places, kpi, groups)


@dataclass(frozen=True)
class Margins:
    """What may be worse by how much."""

    metric: Metric
    """The gate's."""
    loss: float
    """What a champion's figure may lose; where less is better as a share of it."""
    kpi: Kpi | None = None


def staleness(since: datetime | None, now: datetime, settings: MonitoringSettings) -> Result:
    """Days since the model was registered or came here; an alarm only where the settings say how old it may be."""
    blank = Result("model", STALENESS)
    if since is None:
        return result.without(blank, "nothing is released, or the audit log does not tell since when")
    days = max(0.0, (now - since).total_seconds() / _DAY_SECONDS)
    if settings.max_age_days is None:
        return Result("model", STALENESS, value=days)
    return result.judged(blank, days, settings.max_age_days, f"the model is {days:.0f} days old")


def waiting(labels: int, size: int, *, ever: bool, also: Collection[str] = ()) -> list[Result]:
    """How far the next labelled window is: so many labels came since the last one; `ever`, whether there was one.

    `also` are other monitors of labelled windows that look here.
    """
    reason = f"{labels} labels since the last window at most; the next one takes {size} labelled predictions"
    found = Result("model", LABELS, value=float(labels), threshold=float(size), reason=reason)
    if ever:
        return [found]
    why = f"{labels} labels so far; a window takes {size} labelled predictions of the champion"
    why = why if labels else "no label of these predictions is known"
    return [Result("model", name, state=NO_LABELS, reason=why) for name in (LABELS, FIGURES, CALIBRATION, KPI, *also)]


def of_window(
    rows: Labelled, was: Expected | None, usual_kpi: Measured | None, margins: Margins, before: Collection[str]
) -> list[Result]:
    """All figures of a labelled window; `before` are those that were over in the window before, as `over` has them."""
    return [
        *figures(rows, was, margins, before),
        calibrated(rows, was, before),
        kpi(rows, usual_kpi, margins.kpi, before),
    ]


def over(results: Collection[Mapping[str, Any]]) -> set[str]:
    """Figures that were over, from the rows of a window as the table has them."""
    return {_name(row["monitor"], row["subject"]) for row in results if row["facts"].get(OVER)}


def figures(rows: Labelled, was: Expected | None, margins: Margins, before: Collection[str]) -> list[Result]:
    """The gate's metric, of all rows and by slice."""
    whole = spread.of(margins.metric, rows.labels, rows.said)
    blank = Result("model", FIGURES, value=None if whole is None else whole.value)
    if was is None or was.whole is None or was.metric != margins.metric:
        return [result.without(blank, _NOT_KEPT)]
    parts = list(_slices(rows, was, margins.metric))
    pairs = [(blank, was.whole, whole), *((one, gate, now) for one, gate, now in parts if gate is not None)]
    judged = sum(now is not None for _, _, now in pairs)
    sure = NormalDist().inv_cdf(1 - MOST_P / max(1, judged))
    found = [_figure(one, gate, now, margins, sure) for one, gate, now in pairs]
    whole_rows, *sliced = [twice(one, before) for one in found]
    if whole_rows.state == ALARM:  # one problem, not one a slice
        sliced = [_explained(one) for one in sliced]
    return [whole_rows, *sliced, *(one for one, gate, _ in parts if gate is None)]


def _slices(rows: Labelled, was: Expected, metric: Metric) -> Iterator[tuple[Result, Measured | None, Measured | None]]:
    """Each slice that the gate had a figure of, beside that, with what it is now; a column that is not there once."""
    for part in was.slices:
        places = rows.places.get(part.cut.column)
        if places is None:
            why = "the column is not recorded as it came"
            yield result.without(Result("model", FIGURES, part.cut.column), why), None, None
            continue
        for number, (name, gate) in enumerate(zip(part.cut.names, part.figures, strict=True)):
            if gate is not None:
                chosen = np.flatnonzero(places == number)
                enough = len(chosen) >= LEAST_ROWS
                now = spread.of(metric, rows.labels[chosen], rows.said.of(chosen)) if enough else None
                yield Result("model", FIGURES, name, facts={"rows": len(chosen)}), gate, now


def _figure(blank: Result, gate: Measured, now: Measured | None, margins: Margins, sure: float) -> Result:
    if now is None:
        return result.without(blank, f"too few labelled rows, or rows of one class: {LEAST_ROWS} are needed")
    metric = margins.metric
    margin = margins.loss * abs(gate.value) if metric in LOWER_IS_BETTER else margins.loss
    most = max(margin, sure * spread.noise(gate, now))
    limit = gate.value + most if metric in LOWER_IS_BETTER else gate.value - most
    worse = spread.lost(metric, gate.value, now.value) > most
    reason = f"{metric} is {now.value:.3g} on {now.rows} labelled rows, {gate.value:.3g} at the gate"
    return _held(blank, (now, gate, limit), worse, reason, metric=metric)


def calibrated(rows: Labelled, was: Expected | None, before: Collection[str]) -> Result:
    """Whether what was said to be likely comes true that often, or, of a regression, the mean of the errors."""
    blank = Result("model", CALIBRATION)
    if was is None or was.calibration is None:
        return result.without(blank, _NOT_KEPT)
    found = calibration.judged(was.calibration, rows.labels, rows.said)
    what = "answers are off how often they come true by" if rows.said.shares is not None else "the mean error moved by"
    reason = f"{what} {found.value:.3g}, {found.threshold:.3g} is what the gate and chance explain"
    one = Result("model", CALIBRATION, "", found.value, found.threshold, OK, reason if found.over else "")
    return twice(replace(one, facts={OVER: found.over}), before)


def kpi(rows: Labelled, usual: Measured | None, stated: Kpi | None, before: Collection[str]) -> Result:
    """The mean of the KPI, held against `usual`: the gate's, or that of the champion's first labelled windows."""
    if stated is None:
        return result.without(Result("model", KPI), "factory.yaml names no kpi")
    values = np.empty(0) if rows.kpi is None else rows.kpi[np.isfinite(rows.kpi)]
    now = spread.of_values(values)
    blank = Result("model", KPI, stated.name)
    if now is None or now.rows < LEAST_ROWS:
        return result.without(blank, f"{len(values)} labelled rows have a {stated.name}, {LEAST_ROWS} are needed")
    shown = {"rows": now.rows, "error": now.error}
    if usual is None:
        why = f"the first {OWN_WINDOWS} labelled windows of the champion are what it is held against"
        return replace(blank, value=now.value, state=NO_DATA, reason=why, facts=shown)
    up = stated.direction == "up"
    most = max(stated.margin, NormalDist().inv_cdf(1 - MOST_P) * spread.noise(usual, now))
    limit = usual.value - most if up else usual.value + most
    worse = now.value < limit if up else now.value > limit
    reason = f"{stated.name} is {now.value:.4g} on {now.rows} labelled rows, {usual.value:.4g} before"
    return twice(_held(blank, (now, usual, limit), worse, reason, **shown), before)


def pooled(windows: Collection[Mapping[str, Any]]) -> Measured | None:
    """The mean over several windows, from rows of the table; None for none."""
    parts = [Measured(row["value"], int(row["facts"]["rows"]), row["facts"]["error"]) for row in windows]
    if not (rows := sum(part.rows for part in parts)):
        return None
    value = sum(part.value * part.rows for part in parts) / rows
    return Measured(value, rows, sum((part.error * part.rows) ** 2 for part in parts) ** 0.5 / rows)


def _held(blank: Result, figures: tuple[Measured, Measured, float], worse: bool, reason: str, **facts: Any) -> Result:
    """A figure beside what it was, and the limit."""
    now, was, limit = figures
    said = {"was": was.value, "rows": now.rows, OVER: worse, **facts}
    return replace(blank, value=now.value, threshold=limit, reason=reason if worse else "", facts=said)


def twice(one: Result, before: Collection[str]) -> Result:
    """As found, an alarm where it was over in the window before, too."""
    if not one.facts.get(OVER):
        return one
    alarm = _name(one.monitor, one.subject) in before
    since = "in two windows running" if alarm else "in one window so far"
    return replace(one, state=ALARM if alarm else OK, reason=f"{one.reason}: {since}")


def _explained(one: Result) -> Result:
    """A slice where all rows are worse: it is shown, and the problem is that of all rows."""
    return replace(one, state=OK, reason=f"{one.reason}, as all rows are") if one.state == ALARM else one


def _name(monitor: str, subject: str) -> str:
    return f"{monitor}:{subject}"
