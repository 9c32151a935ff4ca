"""Drift of a window by column: against the baseline, and, as skew, against the training rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from aifactory_runtime.monitoring import drift, result
from aifactory_runtime.monitoring.baseline import TRAINING, Baseline
from aifactory_runtime.monitoring.bins import Numbers
from aifactory_runtime.monitoring.columns import PREDICTION
from aifactory_runtime.monitoring.drift import Distance
from aifactory_runtime.monitoring.result import ALARM, Result

DRIFT, PREDICTION_DRIFT, SKEW, PSI, WASSERSTEIN = "drift", "prediction_drift", "skew", "psi", "wasserstein"
OVER, SOURCE = "over", "source"
Columns = Mapping[str, pa.ChunkedArray]


def drifts(baseline: Baseline, columns: Columns, before: Collection[str]) -> list[Result]:
    """Drift of each column, and what is shown beside it; `before` are those that were over in the window before.

    Dates move by themselves: they are none of these.
    """
    found: list[Result] = []
    distances, shares = _distances(baseline, columns)
    alarmed = drift.alarms(before, distances)
    for each in distances:
        monitor = PREDICTION_DRIFT if each.column == PREDICTION else DRIFT
        found.append(_judged(monitor, each, baseline, alarm=each in alarmed))
        kind, reference = baseline.kinds[each.column], baseline.threshold.reference[each.column]
        found.append(Result("data", PSI, each.column, drift.psi(reference, shares[each.column])))
        if isinstance(kind, Numbers):
            apart = drift.wasserstein(kind, reference, shares[each.column])
            found.append(Result("data", WASSERSTEIN, each.column, apart))
    return found


def skews(training: Baseline, columns: Columns, before: Collection[str]) -> list[Result]:
    """How far the traffic is from the rows that the model learned from, by column."""
    distances, _ = _distances(training, columns)
    alarmed = drift.alarms(before, distances)
    return [_judged(SKEW, each, training, alarm=each in alarmed) for each in distances]


def nothing(monitor: str, names: Collection[str], reason: str) -> list[Result]:
    """One result a column where nothing can be said."""
    return [result.without(Result("data", monitor, name), reason) for name in names]


def over(results: Collection[Mapping[str, Any]], monitor: str) -> set[str]:
    """Columns that were over, from the rows of a window as the table has them."""
    return {str(row["subject"]) for row in results if row["monitor"] == monitor and row["facts"].get(OVER)}


def comparable(columns: Columns) -> dict[str, pa.ChunkedArray]:
    """Columns that have a distribution to be compared: no dates, and some value."""
    return {name: column for name, column in columns.items() if not pa.types.is_temporal(column.type)}


def _distances(baseline: Baseline, columns: Columns) -> tuple[list[Distance], Mapping[str, Any]]:
    """How far each column is from the baseline, and the shares of its bins."""
    known = {name: column for name, column in comparable(columns).items() if name in baseline.kinds}
    places = {name: baseline.kinds[name].place(column) for name, column in known.items()}
    shares = {name: drift.shares(baseline.kinds[name], placed) for name, placed in places.items()}
    return drift.distances(baseline.threshold, baseline.kinds, shares), shares


def _judged(monitor: str, each: Distance, baseline: Baseline, *, alarm: bool) -> Result:
    usual = baseline.threshold.usual[each.column] + baseline.threshold.largest * baseline.threshold.spread[each.column]
    reason = ""
    if each.over:
        since = "two windows running" if alarm else "one window so far"
        reason = f"the distance to {baseline.source} is {each.effect:.3f}, beyond the threshold in {since}"
    return Result(
        "data",
        monitor,
        each.column,
        each.effect,
        max(usual, drift.LEAST_EFFECT),
        ALARM if alarm else "ok",
        reason,
        {
            OVER: each.over,
            SOURCE: baseline.source,
            "standardised": each.standardised,
            "retrains": alarm and baseline.source != TRAINING and monitor != SKEW,
        },
    )
