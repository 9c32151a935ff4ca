"""`monitor`: each window once, problems opened and closed, no data and failures said, whatever clocks and data do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aifactory_runtime.capture import compaction
from aifactory_runtime.data import parts, table_writing
from aifactory_runtime.events import record
from aifactory_runtime.monitoring import data_rules, drift_rules, expected, model_rules, store
from tests.unit.runtime.monitoring.watched import SIZE, START, Row, Watched, older, rows

pytestmark = pytest.mark.slow  # tables of Delta, a window a commit


class Killed(BaseException):
    """Stands for kill -9."""


def test_given_traffic_like_training_when_looked_at_then_each_full_window_is_ok_and_no_row_is_kept(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, 3 * SIZE + 50))

    report = watched.look()

    assert watched.windows() == ["traffic 100", "traffic 200", "traffic 300"] and report.failures == []
    assert {row["state"] for row in watched.rows(source="traffic")} == {"ok"}
    assert watched.open() == {}
    first = watched.rows(window="traffic 100", monitor="drift", subject="age")[0]
    assert (first["rows"], first["first_sequence"], first["model_version"]) == (SIZE, 1, "3")
    assert first["ends"] == (START + timedelta(seconds=100)).isoformat(timespec="milliseconds")
    assert all(isinstance(row["value"], float) for row in watched.rows())
    watched.predict(rows(2, 50))
    watched.look()
    assert watched.windows()[3:] == ["traffic 400"], "the windows go on where they ended"


def test_given_a_log_that_is_compacted_in_between_when_looked_at_then_windows_are_the_same(tmp_path: Path) -> None:
    kept, moved = Watched(tmp_path / "kept"), Watched(tmp_path / "moved")
    for number in range(3):
        for watched in (kept, moved):
            watched.predict(rows(number, 70))
        compaction.compact(tmp_path / "moved" / "capture", moved.data)
        moved.look()
    kept.look()
    traffic = [[row | {"looked": ""} for row in one.rows(source="traffic")] for one in (kept, moved)]
    assert len(traffic[0]) > 10 and repr(traffic[0]) == repr(traffic[1])


def test_given_predictions_of_a_challenger_and_of_two_champions_when_cut_then_each_window_is_of_one(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.release("e" * 64)
    watched.predict(rows(1, 60))
    watched.predict(rows(2, 100), role="challenger")
    watched.predict(rows(3, 130), sha256="e" * 64)
    watched.look()
    assert [row["model_sha256"][0] for row in watched.rows(monitor="schema")] == ["e"]
    assert watched.rows(monitor="left_out")[0]["value"] == 60


def test_given_a_column_that_moves_when_it_stays_for_two_windows_then_one_problem_counted_and_closed_by_itself(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, SIZE, older))
    watched.look()
    assert "drift:age" not in watched.open(), "one window is none"
    watched.predict(rows(2, SIZE, older))
    watched.look()
    found = watched.open()["drift:age"]
    assert (found.count, found.kind, found.facts["owner"]) == (1, "drift", "dana")
    assert found.facts["source"] == "training rows" and found.facts["retrains"] is False
    assert "drift:income" not in watched.open()

    watched.predict(rows(3, SIZE, older))
    watched.look()
    watched.look()
    assert watched.open()["drift:age"].count == 2, "once a window"
    watched.predict(rows(4, SIZE))
    watched.look()
    assert not {"drift:age", "skew:age", "prediction_drift:prediction"} & watched.open().keys()


def test_given_20_windows_of_own_traffic_when_looked_at_then_these_are_the_baseline_for_good(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, 20 * SIZE, older))
    watched.look()
    watched.predict(rows(2, 2 * SIZE, older))
    watched.look()
    last = watched.rows(monitor="drift", subject="age")[-1]
    assert (last["state"], '"source":"own traffic"' in last["facts"]) == ("ok", True), "it is what is usual here"
    assert watched.state("skew", "age") == "alarm", "and still not what the model learned from"

    watched.predict(rows(3, 2 * SIZE))
    watched.look()
    assert watched.open()["drift:age"].facts["retrains"] is True


def test_given_predictions_that_come_faster_than_they_are_looked_at_then_a_call_ends_with_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, SIZE))
    (path,) = (watched.folder / "capture").glob("predictions-*.jsonl")
    write = store.write

    def slow(*arguments: Any) -> bool:
        """The service goes on with the same file while a window is written."""
        lines = [json.loads(line) for line in path.read_bytes().splitlines()[-SIZE:]]
        if lines[-1]["sequence"] < 4 * SIZE:
            more = [json.dumps(one | {"sequence": one["sequence"] + SIZE}) + "\n" for one in lines]
            with path.open("a") as log:
                log.writelines(more)
        return write(*arguments)

    monkeypatch.setattr(store, "write", slow)
    watched.look()
    assert watched.windows() == ["traffic 100"]
    watched.look()
    assert watched.windows()[:2] == ["traffic 100", "traffic 200"], "the next call goes on"


STEPS: list[tuple[Any, str, bool]] = [
    (parts.Writer, "close", False),
    (parts.Writer, "close", True),
    (table_writing, "append_stream", True),
    (record.Following, "found", False),
    (record.Following, "found", True),
    (record.Following, "over", False),
]


@pytest.mark.parametrize(("place", "name", "after"), STEPS)
def test_given_a_kill_anywhere_when_run_again_then_each_window_is_there_once_and_each_problem_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, after: bool
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, 2 * SIZE, lambda row: row | {"region": "east"}))
    watched.predict(rows(2, SIZE, lambda row: row | {"member": True}))
    watched.predict(rows(3, SIZE))
    killed = 0
    for _ in range(30):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, killing(getattr(place, name), after=after, calls=2))
            try:
                watched.look()
                break
            except Killed:
                killed += 1
    watched.look()

    assert killed
    assert watched.windows() == ["traffic 100", "traffic 200", "traffic 300", "traffic 400"]
    found = record.read(watched.events).problems
    assert (found.by_key["stuck_column:region"].count, found.by_key["stuck_column:member"].count) == (2, 1)
    assert not any(key.startswith("stuck_column") for key in watched.open())


def killing(real: Callable[..., Any], *, after: bool, calls: int) -> Callable[..., Any]:
    """`real`, whose call of this number kills the process, before or after it was done."""
    left = [calls]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        found = real(*arguments, **named)
        if left[0] == 0:
            raise Killed
        return found

    return dying


def test_fault_57_given_clocks_that_jump_and_a_month_without_traffic_when_looked_at_then_windows_follow_the_sequence(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, SIZE // 2))
    watched.now += timedelta(days=400)  # the clock jumps ahead
    watched.predict(rows(2, SIZE // 2))
    watched.look()
    watched.now = START  # and back
    watched.predict(rows(3, SIZE))
    watched.look()
    assert watched.windows() == ["traffic 100", "traffic 200"]
    assert watched.windows("clock") == ["clock 1", "clock 2"], "set back, it is looked all the same"
    assert watched.rows(monitor="traffic")[-1]["value"] == 0, "not in the future"

    for _ in range(3):  # a month without traffic
        watched.now += timedelta(days=10)
        assert watched.look().failures == []
    assert [row["state"] for row in watched.rows(monitor="traffic")[-3:]] == ["no data"] * 3
    assert watched.windows() == ["traffic 100", "traffic 200"] and watched.open() == {}
    watched.now += timedelta(hours=2)
    watched.predict(rows(4, SIZE))
    watched.look()
    assert watched.windows()[-1] == "traffic 300" and watched.state("traffic") == "ok"


def test_fault_57_given_somebody_who_wants_to_know_when_there_is_no_traffic_for_long_then_a_problem_until_it_is_back(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path, longest_silence_hours=24)
    watched.predict(rows(1, 10))
    watched.now += timedelta(hours=25)
    watched.look()
    assert watched.open()["no_traffic"].facts["owner"] == "sam"
    watched.now += timedelta(hours=2)
    watched.predict(rows(2, 10))
    watched.look()
    assert watched.open() == {}


MISSING = {"age": None, "income": None, "region": None, "since": None, "member": None}


@pytest.mark.parametrize(
    ("change", "monitor", "subject"),
    [
        pytest.param(lambda row: row | {"age": 80}, data_rules.STUCK, "age", id="constant"),
        pytest.param(lambda row: row | {"age": 80}, drift_rules.PREDICTION_DRIFT, "prediction", id="one class"),
        pytest.param(lambda row: row | MISSING, data_rules.MISSING, "income", id="all missing"),
        pytest.param(lambda row: row | {"income": 1e300}, data_rules.RANGE, "income", id="out of range"),
        pytest.param(lambda row: row | {"region": "south"}, data_rules.UNSEEN, "region", id="unseen"),
        pytest.param(lambda row: row | {"age": "old"}, data_rules.SCHEMA, "", id="of another kind"),
        pytest.param(lambda row: {"age": row["age"]}, data_rules.SCHEMA, "", id="not there"),
    ],
)
def test_fault_58_given_windows_of_one_class_constant_or_all_missing_when_looked_at_then_an_alarm_and_nothing_fails(
    tmp_path: Path, change: Callable[[Row], Row], monitor: str, subject: str
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, 2 * SIZE, change))
    assert watched.look().failures == []
    assert watched.state(monitor, subject) == "alarm"
    assert watched.rows(monitor="failed") == []


def test_fault_58_given_a_baseline_of_nothing_but_one_value_when_the_next_window_is_alike_then_it_is_usual(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path, with_profile=False)
    watched.predict(rows(1, 23 * SIZE, lambda row: row | MISSING))
    watched.look()
    assert watched.state("drift", "age") == watched.state("prediction_drift", "prediction") == "ok"
    assert watched.state("missing", "age") == "no data", "an older model has no profile"


def test_given_an_older_model_without_profile_when_looked_at_then_no_data_until_its_own_traffic_is_enough(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path, with_profile=False)
    watched.predict(rows(1, SIZE))
    watched.look()
    assert watched.state("drift", "age") == watched.state("skew", "age") == "no data"
    assert "train" in watched.rows(monitor="drift", subject="age")[0]["reason"]


def test_given_a_monitor_that_fails_when_looked_at_then_a_state_a_problem_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> NoReturn:
        raise ZeroDivisionError("a value of a row")

    watched = Watched(tmp_path)
    watched.predict(rows(1, SIZE))
    with monkeypatch.context() as patched:
        patched.setattr(drift_rules, "drifts", broken)
        report = watched.look()
    assert report.failures == ["drift: unexpected ZeroDivisionError"]
    assert (watched.state("drift"), watched.state("missing", "age")) == ("failed", "ok")
    assert watched.open()["monitor_failed:drift"].facts["reason"] == "unexpected ZeroDivisionError"
    watched.predict(rows(2, SIZE))
    watched.look()
    assert watched.open() == {}


def test_given_a_damaged_log_when_looked_at_then_it_is_said_at_once_and_once_an_hour(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.look()
    watched.predict(rows(1, SIZE))
    log = next((tmp_path / "capture").glob("predictions-*"))
    whole = log.read_bytes()
    log.write_bytes(b"{" + whole)
    for _ in range(3):
        assert "line 1 is damaged" in watched.look().failures[0]
    assert watched.open()["monitor_failed:predictions"].count == 1
    watched.now += timedelta(hours=2)
    watched.look()
    assert watched.state("predictions") == "failed"
    log.write_bytes(whole)
    watched.now += timedelta(hours=2)
    watched.look()
    assert watched.open() == {} and watched.windows() == ["traffic 100"]


def test_given_a_log_from_a_backup_when_it_ends_before_what_was_looked_at_then_the_monitor_is_not_silent(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    watched.predict(rows(1, 2 * SIZE))
    watched.look()
    for path in (tmp_path / "capture").glob("predictions-*"):
        path.unlink()
    watched.predict(rows(2, 10))
    assert "a backup was restored" in watched.look().failures[0]


@pytest.mark.parametrize("moved", [False, True])
def test_given_columns_that_are_not_recorded_as_they_came_when_looked_at_then_they_have_no_data(
    tmp_path: Path, moved: bool
) -> None:
    watched = Watched(tmp_path)
    inputs = [{key: value for key, value in row.items() if key != "income"} for row in rows(1, SIZE)]
    watched.predict([row | {"age": "2f3a"} for row in inputs], redacted={"age": "hash", "income": "drop"})
    if moved:
        compaction.compact(tmp_path / "capture", watched.data)
    assert watched.look().failures == []
    assert [watched.state("missing", name) for name in ("age", "income", "region")] == ["no data", "no data", "ok"]
    assert watched.state("schema") == "ok" and watched.rows(monitor="drift", subject="age") == []


def test_given_two_calls_at_once_when_the_second_comes_then_it_is_refused_in_a_line(tmp_path: Path) -> None:
    from aifactory_runtime import files
    from aifactory_runtime.errors import FactoryError

    watched = Watched(tmp_path)
    with (
        files.lock(tmp_path / "artifact" / expected.FOLDER / "monitor.lock", ""),
        pytest.raises(FactoryError, match="looks at the monitors already"),
    ):
        watched.look()


def test_given_a_window_when_written_twice_then_it_is_there_once(tmp_path: Path) -> None:
    place = store.Place(store.TRAFFIC, 7, "", "")
    results = model_rules.waiting(0, SIZE, ever=False)
    assert store.write(tmp_path, place, results, START) and not store.write(tmp_path, place, results, START)
    assert [row["state"] for row in store.window(tmp_path, store.TRAFFIC, 7)] == ["no labels"] * 4
