"""What stays and what goes: no history of an environment lets go of what a kept prediction is traced to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data.removals import CODE, EVENTS, OTHER_SCORES, RUN
from aifactory_runtime.retention import rules
from aifactory_runtime.retention.rules import Batch, Days, Kept, Known, Model, Run, Segment, plan

TODAY = date(2026, 11, 27)
DAYS = Days(predictions=200, labels=400, events=400, monitors=300)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def runs(count: int) -> list[Run]:
    """Run n names version n of raw and prepared."""
    return [Run(f"run-{n:03d}", {"raw": n, "prepared": n, "reference": 0}, f"mlflow-{n}") for n in range(count)]


def model(number: int, *, failed: bool = False, commits: tuple[str, ...] = ()) -> Model:
    return Model(number, failed, f"run-{number:03d}", {"raw": number, "prepared": number}, commits)


def gone(known: Known, days: Days = DAYS) -> Mapping[str, tuple[str, ...]]:
    return {one.kind: one.names for one in plan(known, days, TODAY).removals}


def of_runs(count: int, **more: object) -> Known:
    every = {"raw": tuple(range(count)), "prepared": tuple(range(count))}
    newest = {"raw": count - 1, "prepared": count - 1}
    return replace(Known(runs=runs(count), versions=every, newest=newest), **more)  # type: ignore[arg-type]


def test_given_many_runs_when_planned_then_the_last_ones_and_those_of_versions_that_did_not_fail_stay() -> None:
    found = gone(of_runs(30, models=[model(2), model(3, failed=True)]))
    assert found == {
        RUN: tuple(f"run-{n:03d}" for n in range(10) if n != 2),
        "raw": tuple(str(n) for n in range(10) if n != 2),
        "prepared": tuple(str(n) for n in range(10) if n != 2),
    }
    assert gone(of_runs(20)) == {}


def test_given_a_failed_version_when_something_needs_it_then_its_run_and_tables_stay() -> None:
    failed = of_runs(30, models=[model(3, failed=True)])
    assert "run-003" in gone(failed)[RUN]
    needing = {
        "kept": Kept(versions=frozenset({3})),
        "in_test": frozenset({3}),
        "answered": frozenset({3}),
        "champions": (3,),
    }
    for name, value in needing.items():
        found = gone(replace(failed, **{name: value}))  # type: ignore[arg-type]
        assert "run-003" not in found[RUN] and "3" not in found["raw"], name
    for run in ("run-003", "mlflow-3"):
        found = gone(of_runs(30, kept=Kept(runs=frozenset({run}))))
        assert "run-003" not in found[RUN] and "3" not in found["raw"]


def test_given_a_run_that_cannot_be_read_when_it_stays_then_no_version_goes_and_it_is_named() -> None:
    known = of_runs(30)
    unread = replace(known, runs=[*known.runs[:29], Run("run-029", None)])
    found = plan(unread, DAYS, TODAY)
    assert [one.kind for one in found.removals] == [RUN] and found.stay == {}
    assert found.notes[0].startswith("run run-029 has a handoff that cannot be read")
    assert "raw" in gone(replace(known, runs=[Run("run-000", None), *known.runs[1:]])), "one that goes is no matter"


def test_given_rows_when_planned_then_they_go_by_their_days_unless_somebody_keeps_the_day() -> None:
    known = Known(
        days={"captured": [ago(201), ago(200), ago(300)], "labels": [ago(401), ago(400), ago(250)]},
        batches=[Batch("old", ago(201)), Batch("young", ago(200))],
    )
    assert gone(known) == {
        "captured": (str(ago(300)), str(ago(201))),
        "scored": ("old",),
        "labels": (str(ago(401)),),
    }
    kept = replace(known, kept=Kept(days=frozenset({ago(450)})), days={**known.days, "captured": [ago(450), ago(300)]})
    assert gone(kept) == {"captured": (str(ago(300)),), "scored": ("old",)}, "nor go the labels from that day on"
    assert gone(known, Days(predictions=500, labels=400, events=1, monitors=1)) == {}, (
        "a label does not go before its prediction"
    )


def test_given_files_of_events_when_planned_then_the_first_ones_go_up_to_an_open_problem() -> None:
    def of(*segments: Segment) -> Known:
        return Known(segments=segments, event_files=[Segment("x.json", ago(500), frozenset({"open"}))])

    old = [Segment(f"events-{n}", ago(500 - n), frozenset({f"key {n}"})) for n in range(4)]
    young = Segment("events-9", ago(400), frozenset())
    assert gone(of(*old, young))[EVENTS] == ("events-0", "events-1", "events-2", "events-3", "x.json")
    still = replace(of(*old, young), open_problems=frozenset({"key 2", "open"}))
    assert gone(still)[EVENTS] == ("events-0", "events-1"), "the log has no gaps, so what follows stays with it"


def test_given_scores_of_live_tests_when_planned_then_they_go_with_their_predictions_once_no_test_is_open() -> None:
    known = Known(other_scores=[Segment("old", ago(201)), Segment("young", ago(200))])
    assert gone(known) == {OTHER_SCORES: ("old",)}
    assert gone(replace(known, in_test=frozenset({3}))) == {}
    assert gone(replace(known, kept=Kept(days=frozenset({ago(300)})))) == {}, "a file may hold days before its last"


def test_given_released_code_when_planned_then_that_of_the_last_champions_stays() -> None:
    models = [model(n, commits=(f"trained {n}", *(f"code {n}.{c}" for c in range(7)))) for n in range(9)]
    code = frozenset(commit for one in models for commit in one.commits)
    known = Known(models=models, champions=(8, 7, 6, 5, 4), code=code, in_use=frozenset({"code 0.0"}))
    staying = code - set(gone(known)[CODE])
    assert staying == {"code 0.0"} | {
        commit for n in (4, 5, 6, 7, 8) for commit in (f"trained {n}", *(f"code {n}.{c}" for c in range(2, 7)))
    }
    assert "trained 0" not in gone(replace(known, kept=Kept(versions=frozenset({0}))))[CODE]
    assert "trained 1" not in gone(replace(known, in_test=frozenset({1})))[CODE]


@st.composite
def histories(draw: st.DrawFn) -> Known:
    """Runs, the versions registered from some, predictions by these on some days, and what people keep."""
    count = draw(st.integers(1, 40))
    numbers = st.integers(0, count - 1)
    registered = draw(st.lists(numbers, unique=True, max_size=12))
    failed = draw(st.sets(st.sampled_from(registered))) if registered else set()
    days = draw(st.lists(st.integers(0, 600).map(ago), unique=True, max_size=12))
    batches = draw(st.lists(st.tuples(st.text("ab", min_size=1, max_size=4), st.integers(0, 600).map(ago)), max_size=5))
    return of_runs(
        count,
        models=[model(n, failed=n in failed) for n in registered],
        champions=draw(st.lists(st.sampled_from(registered), unique=True, max_size=5)) if registered else (),
        answered=frozenset(draw(st.sets(st.sampled_from(registered))) if registered else ()),
        kept=Kept(
            runs=frozenset(f"run-{n:03d}" for n in draw(st.sets(numbers, max_size=3))),
            versions=frozenset(draw(st.sets(numbers, max_size=3))),
            days=frozenset(draw(st.sets(st.integers(0, 600).map(ago), max_size=3))),
        ),
        days={"captured": days, "labels": draw(st.lists(st.integers(0, 900).map(ago), max_size=12))},
        batches=[Batch(*one) for one in batches],
    )


@given(histories(), st.integers(1, 500), st.integers(1, 500))
def test_given_any_history_when_planned_then_what_a_kept_prediction_is_traced_to_stays(
    known: Known, predictions: int, labels: int
) -> None:
    days = Days(predictions, labels, 400, 400)
    found = plan(known, days, TODAY)
    removed = {one.kind: set(one.names) for one in found.removals}
    kept_days = {day for day in known.days["captured"] if str(day) not in removed.get("captured", set())}

    for day in known.days["captured"]:
        assert (day in kept_days) == (day >= ago(predictions) or day in known.kept.days)
    answering = [one for one in known.models if one.number in known.answered or not one.failed]
    for one in answering:  # whatever day its predictions are of
        assert one.run not in removed.get(RUN, set())
        for table, version in one.tables.items():
            assert str(version) not in removed.get(table, set()) and version in found.stay[table]
    for run in known.runs:
        if run.id not in removed.get(RUN, set()):
            assert run.tables and all(str(run.tables[name]) not in removed.get(name, set()) for name in found.stay)
    oldest = min([*kept_days, ago(0)])
    assert all(date.fromisoformat(label) < oldest for label in removed.get("labels", set())), "labels outlive"
    assert set(found.stay) == set(rules.VACUUMED) and "reference" not in removed
    assert all(known.newest[name] in stay for name, stay in found.stay.items())


def test_given_old_results_of_monitors_when_an_open_problem_or_live_test_needs_them_then_they_stay() -> None:
    known = Known(days={"monitors": [ago(days) for days in (400, 301, 300, 0)]})
    assert gone(known) == {"monitors": (str(ago(400)), str(ago(301)))}
    assert gone(replace(known, watched_since=ago(301))) == {"monitors": (str(ago(400)),)}
    assert gone(replace(known, watched_since=ago(2))) == gone(known)
    assert gone(replace(known, watched_since=date.min)) == {}
    assert gone(replace(known, in_test=frozenset({3}))) == {}
