"""Rules of monitors without a table: when a window closes, what an alarm is, what is told of it, when a look is due."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import MonitoringSettings
from aifactory_runtime.contract.manifest import Monitors
from aifactory_runtime.events.event import CLOSED, Event, key_of
from aifactory_runtime.events.problems import Problems, fold
from aifactory_runtime.monitoring import (
    baseline,
    counts,
    data_rules,
    due,
    model_rules,
    profile,
    service_rules,
    store,
    telling,
    windows,
)
from aifactory_runtime.monitoring.counts import Counts
from aifactory_runtime.monitoring.profile import ColumnProfile
from aifactory_runtime.monitoring.result import ALARM, FAILED, NO_DATA, OK, Result, State
from aifactory_runtime.monitoring.windows import Prediction
from tests.unit.runtime.monitoring.watched import column

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SETTINGS = MonitoringSettings()
OWNERS = Monitors.model_validate({"service": {"owner": "sam"}, "data": {"owner": "dana"}, "model": {"owner": "mia"}})


def prediction(sequence: int, sha256: str = "a", role: str = "champion") -> Prediction:
    return Prediction(sequence, NOW.isoformat(), str(sequence), "1", sha256, role, {}, {})


@given(st.lists(st.sampled_from(["a", "b", "-"]), max_size=60), st.integers(1, 5), st.integers(0, 60))
def test_given_any_traffic_when_cut_in_two_goes_then_the_windows_are_those_of_one(
    models: list[str], size: int, many: int
) -> None:
    traffic = [prediction(n, model, "champion" if model != "-" else "shadow") for n, model in enumerate(models, 1)]
    whole = list(windows.cut(traffic, size))
    first = list(windows.cut(traffic[:many], size))
    after = first[-1].last if first else 0
    assert [*first, *windows.cut(traffic[after:], size)] == whole
    assert all(len({each.sha256 for each in one.predictions}) == 1 and len(one.predictions) == size for one in whole)
    assert all(before.last < one.first for before, one in itertools.pairwise(whole))


@pytest.mark.parametrize(
    ("last", "is_due"),
    [(None, True), (timedelta(minutes=-59), False), (timedelta(minutes=-60), True), (timedelta(days=30), True)],
)
def test_given_a_last_look_when_it_is_an_hour_ago_or_in_the_future_then_another_is_due(
    last: timedelta | None, is_due: bool
) -> None:
    assert due.due(None if last is None else NOW + last, NOW, 60) is is_due


# Counters of the service

METRICS = """# TYPE aifactory_requests_total counter
aifactory_requests_total{path="/predict",status="200"} 90.0
aifactory_requests_total{path="/invocations",status="500"} 6.0
aifactory_requests_total{path="/predict",status="422"} 4.0
aifactory_requests_total{path="/metrics",status="500"} 50.0
# TYPE aifactory_request_seconds histogram
aifactory_request_seconds_bucket{le="0.1",path="/predict"} 50.0
aifactory_request_seconds_bucket{le="1.0",path="/predict"} 100.0
aifactory_request_seconds_bucket{le="+Inf",path="/predict"} 100.0
# TYPE aifactory_not_recorded_total counter
aifactory_not_recorded_total 2.0
"""


def states(results: list[Result]) -> dict[str, State]:
    return {one.monitor: one.state for one in results}


def test_given_what_metrics_says_when_read_then_requests_for_predictions_count_and_time_is_between_two_edges() -> None:
    found = counts.parse(METRICS)
    assert (found.requests, found.errors, found.refused, found.not_recorded) == (100, 6, 4, 2)
    assert found.quantile(0.99) == pytest.approx(0.1 + 0.9 * 49 / 50)
    assert counts.from_values(counts.to_values(found)) == found


def test_given_counters_that_began_anew_when_compared_then_all_of_them_are_new() -> None:
    before = counts.parse(METRICS)
    more = replace(before, statuses={**before.statuses, "200": 95.0})
    assert counts.since(before, more).requests == 5
    assert counts.since(more, before) == before


def test_given_errors_and_slow_answers_when_judged_then_alarms_and_without_requests_no_data() -> None:
    found = counts.parse(METRICS)
    bad = states(service_rules.up(Counts(), found, MonitoringSettings(max_p99_seconds=0.5)))
    assert {name for name, state in bad.items() if state == ALARM} == {"errors", "latency", "not_recorded"}
    quiet = states(service_rules.up(found, found, SETTINGS))
    assert (quiet["answers"], quiet["requests"], quiet["errors"], quiet["not_recorded"]) == (OK, NO_DATA, NO_DATA, OK)
    assert states(service_rules.up(None, found, SETTINGS))["errors"] == NO_DATA, "nobody knows since when"
    down = states(service_rules.down("nobody answers"))
    assert down.pop("answers") == ALARM and set(down.values()) == {NO_DATA}


def test_given_an_age_when_no_limit_is_set_then_it_is_shown_and_with_one_it_is_judged() -> None:
    since = NOW - timedelta(days=40)
    assert model_rules.staleness(since, NOW, SETTINGS).state == OK
    assert model_rules.staleness(since, NOW, MonitoringSettings(max_age_days=30)).state == ALARM
    assert model_rules.staleness(None, NOW, SETTINGS).state == NO_DATA
    assert model_rules.staleness(NOW + timedelta(days=1), NOW, SETTINGS).value == 0, "a clock that was set back"


# Profiles


def test_given_texts_that_few_rows_have_when_profiled_then_they_are_not_named() -> None:
    values = ["frequent"] * 50 + ["Jane Doe"] * (profile.LEAST_ROWS - 1)
    found = profile.of({"name": column(values, pa.string())})["name"]
    assert "Jane Doe" not in str(profile.to_values({"name": found}))
    assert not found.complete and found.rows == len(values)
    judged = data_rules.of_column("name", column(["somebody else"] * 100), found)
    assert {one.monitor: one.state for one in judged}["unseen"] == NO_DATA


@pytest.mark.parametrize(
    "values", [[1.5, None, float("inf")] * 20, ["x", None] * 20, [True, False] * 20, [None] * 5, []]
)
def test_given_any_column_when_profiled_then_it_is_read_back_as_it_was_written(values: list[Any]) -> None:
    found = profile.of({"x": column(values)})
    read = profile.from_values(profile.to_values(found))
    assert profile.to_values(read) == profile.to_values(found)
    assert baseline.to_values(baseline.of_training(read, 100)) == baseline.to_values(baseline.of_training(found, 100))


@pytest.mark.parametrize(
    "values", [{}, {"columns": {"x": {"edges": [1.0]}}}, {"columns": 3}, {"columns": {"x": {"values": 3}}}]
)
def test_given_something_else_when_read_as_a_profile_then_it_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="profile"):
        profile.from_values(values)


def known(values: list[Any]) -> ColumnProfile:
    return profile.of({"x": column(values)})["x"]


@pytest.mark.parametrize(
    ("values", "monitor", "state"),
    [
        ([1.0, 2.0] * 45 + [None] * 10, "missing", OK),
        ([1.0, 2.0] * 35 + [None] * 30, "missing", ALARM),
        ([1.0, 2.0] * 50, "stuck", OK),
        ([2.0] * 100, "stuck", ALARM),
        ([None] * 100, "stuck", NO_DATA),
        ([1.0, 2.0] * 50, "range", OK),
        ([1.0, 2.0, 1000.0, 2.0] * 25, "range", ALARM),
    ],
)
def test_given_a_window_of_numbers_when_held_against_training_then_only_what_is_unlike_alarms(
    values: list[Any], monitor: str, state: State
) -> None:
    trained = known([1.0, 2.0, 3.0] * 300 + [None] * 90)
    found = data_rules.of_column("x", column(values, pa.float64()), trained)
    assert {one.monitor: one.state for one in found}[monitor] == state


# Problems


def row(state: State, *, monitor: str = "drift", subject: str = "age", window: int = 1) -> dict[str, Any]:
    place = store.Place(store.TRAFFIC, window, "", "")
    one = Result("data", monitor, subject, 0.4, 0.1, state, "why", {"source": "own traffic", "retrains": True})
    return store.as_rows(place, [one])[0]


def after(*told: telling.Told) -> Problems:
    events = []
    for one in told:
        events += [Event(NOW, each.kind, key_of(each.kind, each.subject), facts=each.facts) for each in one.found]
        events += [Event(NOW, key.partition(":")[0], key, CLOSED) for key in one.over]
    return fold(replace(event, sequence=number) for number, event in enumerate(events, start=1))


def test_given_an_alarm_when_told_then_it_has_an_owner_and_is_counted_once_a_window() -> None:
    first = telling.of_window([row(ALARM)], OWNERS, Problems(), NOW)
    assert [(one.kind, one.subject, one.facts["owner"]) for one in first.found] == [("drift", "age", "dana")]
    assert telling.of_window([row(ALARM)], OWNERS, after(first), NOW).found == ()
    assert len(telling.of_window([row(ALARM, window=2)], OWNERS, after(first), NOW).found) == 1


@pytest.mark.parametrize(
    ("then", "is_over"),
    [
        (row(OK, window=2), True),
        (row(NO_DATA, window=2), False),
        (row(FAILED, window=2), False),
        (row(OK, subject="income", window=2), True),  # no monitor looks at the age any more
        (row(OK, monitor="answers", subject="", window=2), False),
    ],
)
def test_given_an_open_problem_when_the_next_window_is_told_then_it_is_over_only_where_that_is_known(
    then: dict[str, Any], is_over: bool
) -> None:
    before = after(telling.of_window([row(ALARM)], OWNERS, Problems(), NOW))
    assert ("drift:age" in telling.of_window([then], OWNERS, before, NOW).over) is is_over


def test_given_a_monitor_that_failed_when_told_then_a_problem_of_its_own_until_it_works_again() -> None:
    first = telling.of_window([row(FAILED)], OWNERS, Problems(), NOW)
    assert [(one.kind, one.subject) for one in first.found] == [("monitor_failed", "drift")]
    assert telling.of_window([row(NO_DATA, window=2)], OWNERS, after(first), NOW).over == ("monitor_failed:drift",)
