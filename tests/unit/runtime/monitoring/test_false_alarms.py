"""Windows of labels in which nothing has changed since the gate are hardly ever an alarm, of any kind of model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.gate import spread
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.cuts import Levels
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.gate.slices import LEAST_ROWS
from aifactory_runtime.monitoring import calibration, model_rules, store
from aifactory_runtime.monitoring.expected import Expected, Sliced
from aifactory_runtime.monitoring.model_rules import Labelled, Margins
from aifactory_runtime.monitoring.result import ALARM, Result
from aifactory_runtime.monitoring.store import Place

ROWS = 500
WINDOWS = 2_000
RUNNING = 5
"""Windows that are held against one gate: its luck is in all of them."""
MOST = 12
"""Of 2,000: the upper 95 % bound (Clopper and Pearson) is 0.97 %."""
REGIONS = tuple(f"region {number}" for number in range(8))
Draw = np.random.Generator
Rows = Callable[[Draw, int], Labelled]


def two(draw: Draw, rows: int) -> Labelled:
    """One of ten is of the second class; the model is sure of few."""
    share = draw.beta(0.5, 4.5, rows)
    return _with_slices(draw, (draw.random(rows) < share).astype(int), np.stack([1 - share, share], axis=1), (0, 1))


def sure(draw: Draw, rows: int) -> Labelled:
    """Ninety-nine of a hundred answers are right."""
    share = np.where(draw.random(rows) < 0.4, 0.99, 0.01)
    return _with_slices(draw, (draw.random(rows) < share).astype(int), np.stack([1 - share, share], axis=1), (0, 1))


def three(draw: Draw, rows: int) -> Labelled:
    """Of three classes."""
    shares = draw.dirichlet([2.0, 1.0, 0.5], rows)
    labels = (draw.random(rows)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return _with_slices(draw, labels, shares, (0, 1, 2))


def numbers(draw: Draw, rows: int) -> Labelled:
    """Errors with heavy tails."""
    said = draw.normal(50, 10, rows)
    labels = said + draw.standard_t(3, rows)
    return _labelled(draw, labels, Answers(said, None))


def _with_slices(draw: Draw, labels: Any, shares: Any, classes: tuple[int, ...]) -> Labelled:
    return _labelled(draw, labels, Answers(np.asarray(classes)[shares.argmax(axis=1)], shares, classes))


def _labelled(draw: Draw, labels: Any, said: Answers) -> Labelled:
    weights = 1 / np.arange(1, len(REGIONS) + 1)
    places = draw.choice(len(REGIONS), len(labels), p=weights / weights.sum())
    return Labelled(labels, said, {"region": places}, draw.exponential(10.0, len(labels)))


def gate(rows: Labelled, metric: Metric) -> Expected:
    """What it found on test rows."""
    cut, places = Levels("region", REGIONS), rows.places["region"]

    def figure(number: int) -> spread.Measured | None:
        chosen = np.flatnonzero(places == number)
        return spread.of(metric, rows.labels[chosen], rows.said.of(chosen)) if len(chosen) >= LEAST_ROWS else None

    return Expected(
        metric,
        None,
        spread.of(metric, rows.labels, rows.said),
        (Sliced(cut, tuple(figure(number) for number in range(len(cut.names)))),),
        calibration.of(rows.labels, rows.said),
    )


def alarms(kind: Rows, metric: Metric, trained: int, windows: int, then: Rows | None = None) -> Counter[str]:
    """In how many windows each check is an alarm: the metric of all rows, of slices, calibration and KPI."""
    draw, found = np.random.default_rng(11), Counter[str]()
    margins = Margins(metric, 0.01, Kpi(name="profit", direction="up", margin=0.1))
    for _ in range(windows // RUNNING):
        was = gate(kind(draw, trained), metric)
        own = [_measured(kind(draw, ROWS)) for _ in range(model_rules.OWN_WINDOWS)]
        usual, before = model_rules.pooled(own), set[str]()
        for _ in range(RUNNING):
            results = model_rules.of_window((then or kind)(draw, ROWS), was, usual, margins, before)
            found.update({_check(one) for one in results if one.state == ALARM})
            before = model_rules.over(store.as_rows(Place(store.LABELS, 1, "", ""), results))
    return found


def _measured(rows: Labelled) -> dict[str, Any]:
    assert rows.kpi is not None
    one = spread.of_values(rows.kpi)
    assert one is not None
    return {"value": one.value, "facts": {"rows": one.rows, "error": one.error}}


def _check(one: Result) -> str:
    return f"{one.monitor} of slices" if one.monitor == model_rules.FIGURES and one.subject else one.monitor


def worse(draw: Draw, rows: int) -> Labelled:
    """Answers by chance, and half the profit."""
    made = two(draw, rows)
    assert made.kpi is not None
    return Labelled(draw.permutation(made.labels), made.said, made.places, made.kpi / 2)


def test_given_windows_without_change_then_no_alarm_and_answers_by_chance_are_one_in_each_second_window() -> None:
    assert alarms(two, "roc_auc", 1_000, 20) == {}
    found = alarms(two, "roc_auc", 1_000, 20, worse)
    assert found["figures"] == found["kpi"] == 20 - 20 // RUNNING and found["figures of slices"] == 0


@pytest.mark.long
@pytest.mark.parametrize("trained", [100, 400, 2_000])
@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        *((two, metric) for metric in ("roc_auc", "log_loss", "accuracy", "f1")),
        (sure, "accuracy"),
        (three, "f1"),
        *((numbers, metric) for metric in ("rmse", "mae", "r2")),
    ],
)
def test_given_2000_windows_without_change_then_the_upper_bound_of_false_alarms_is_1_in_100_for_each_check(
    kind: Rows, metric: Metric, trained: int
) -> None:
    found = alarms(kind, metric, trained, WINDOWS)
    assert max(found.values(), default=0) <= MOST, found
