"""What the rest of the runtime calls, and the files of runtimes from before the log."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aifactory_runtime.events import kinds, log, older, record
from aifactory_runtime.events.event import CLOSED, OPEN

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


def older_file(folder: Path, name: str, written: datetime, **content: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def refusal(folder: Path, run: str, written: datetime) -> Path:
    name = f"{run}.gate_refused.json"
    return older_file(folder, name, written, event="gate_refused", run=run, kind="retraining", reasons=["worse"])


def quota(folder: Path, month: str, kind: str, written: datetime) -> Path:
    name = f"{month}.{kind}.quota_near.json"
    return older_file(folder, name, written, event="quota_near", quota=kind, taken=8.5, limit=10, key="k")


def states(folder: Path, now: datetime = NOW + timedelta(days=1)) -> dict[str, str]:
    return {key: one.state(now) for key, one in record.read(folder).problems.by_key.items()}


def test_given_a_problem_when_found_and_over_then_two_events_and_it_is_closed(tmp_path: Path) -> None:
    record.found(tmp_path, kinds.GATE_REFUSED, {"run": "a"}, now=NOW)
    assert states(tmp_path) == {"gate_refused": OPEN}
    for _ in range(2):
        record.over(tmp_path, ["gate_refused", "not_converged"], {"run": "b"}, NOW)
    assert states(tmp_path) == {"gate_refused": CLOSED}
    assert [(one.state, one.facts) for one in log.read(tmp_path).events] == [
        (OPEN, {"run": "a"}),
        (CLOSED, {"run": "b"}),
    ]


def test_given_nothing_open_when_something_is_over_then_nothing_is_written(tmp_path: Path) -> None:
    record.over(tmp_path / "events", ["gate_refused"], {}, NOW)
    assert list(tmp_path.iterdir()) == []


def test_given_subjects_when_found_then_each_is_a_problem_of_its_own(tmp_path: Path) -> None:
    for subject in ("disk", "compute"):
        record.found(tmp_path, kinds.QUOTA_NEAR, {}, subject, now=NOW)
    record.over(tmp_path, ["quota_near:disk"], {}, NOW)
    assert states(tmp_path) == {"quota_near:disk": CLOSED, "quota_near:compute": OPEN}


def test_given_a_kind_that_is_in_no_table_when_found_then_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        record.found(tmp_path, "gate_refuse", {})
    assert list(tmp_path.iterdir()) == []


def test_given_files_of_an_older_runtime_when_read_then_they_count_and_stay_where_they_are(tmp_path: Path) -> None:
    files = [refusal(tmp_path, run, NOW + timedelta(hours=hour)) for run, hour in (("b", 1), ("a", 0))]
    record.found(tmp_path, kinds.GATE_REFUSED, {"run": "c"}, now=NOW + timedelta(hours=2))

    found = record.read(tmp_path)
    assert [one.facts["run"] for one in found.events] == ["a", "b", "c"]
    assert [one.file for one in found.events] == ["a.gate_refused.json", "b.gate_refused.json", None]
    assert (found.problems.by_key["gate_refused"].count, found.damaged) == (3, ())
    assert all(path.exists() for path in files)


def test_given_a_file_that_an_older_snapshot_writes_later_when_read_then_the_problem_is_open_again(
    tmp_path: Path,
) -> None:
    refusal(tmp_path, "a", NOW)
    record.over(tmp_path, ["gate_refused"], {}, NOW + timedelta(hours=1))
    assert states(tmp_path) == {"gate_refused": CLOSED}
    refusal(tmp_path, "b", NOW + timedelta(hours=2))
    assert states(tmp_path) == {"gate_refused": OPEN}


@pytest.mark.parametrize(("month", "ends"), [("2027-01", datetime(2027, 2, 1, tzinfo=UTC)), ("2026-12", None)])
def test_given_a_month_s_file_of_a_quota_when_read_then_it_is_true_until_the_month_ends(
    tmp_path: Path, month: str, ends: datetime | None
) -> None:
    quota(tmp_path, month, "disk", NOW)
    expected = OPEN if ends else CLOSED
    assert states(tmp_path, datetime(2027, 1, 31, 23, tzinfo=UTC)) == {"quota_near:disk": expected}
    assert states(tmp_path, datetime(2027, 2, 1, tzinfo=UTC)) == {"quota_near:disk": CLOSED}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.gate_refused.json", ""),
        ("a.gate_refused.json", "[" * 100_000),
        ("a.gate_refused.json", "{}"),
        ("a.json", '{"event": "drift"}'),
        ("2027-01.disk.quota_near.json", '{"event": "quota_near"}'),
        ("9999-12.disk.quota_near.json", '{"event": "quota_near", "quota": "disk"}'),
        ("2027-13.disk.quota_near.json", '{"event": "quota_near", "quota": "disk"}'),
    ],
)
def test_given_a_file_that_is_no_event_when_read_then_it_is_named_and_the_others_count(
    tmp_path: Path, name: str, text: str
) -> None:
    refusal(tmp_path, "b", NOW)
    (tmp_path / name).write_text(text)
    (tmp_path / ".c.gate_refused.json.7.part").write_text("half")
    (tmp_path / ".half.json").write_text("half")
    found = record.read(tmp_path)
    assert [one.file for one in found.events] == ["b.gate_refused.json"]
    assert found.damaged == (f"{tmp_path / name}: is no event: look what it is and take it away",)


def test_given_the_log_of_a_runtime_from_before_when_read_alone_then_in_the_order_of_writing(tmp_path: Path) -> None:
    quota(tmp_path, "2027-01", "compute", NOW)
    refusal(tmp_path, "z", NOW - timedelta(days=1))
    read = older.read(tmp_path)
    assert [one.key for one in read.events] == ["gate_refused", "quota_near:compute"]
    assert all(one.sequence == 0 for one in read.events)


def test_given_one_who_follows_when_others_write_too_then_problems_are_those_of_the_log_and_it_is_seldom_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    whole = log.read

    def counted(folder: Path) -> log.Read:
        reads.append(folder)
        return whole(folder)

    monkeypatch.setattr(log, "read", counted)
    following = record.Following(tmp_path)
    for column in ("age", "income"):
        following.found(kinds.DRIFT, {}, column, now=NOW)
    following.over(["drift:age", "drift:region"], {"window": "traffic 500"}, NOW)
    assert {key: one.state(NOW) for key, one in following.problems.by_key.items()} == states(tmp_path)
    reads.clear()
    for _ in range(3):
        following.found(kinds.DRIFT, {}, "age", now=NOW)
        assert following.problems.by_key["drift:age"].openings == 2
    assert reads == []
    record.over(tmp_path, ["drift:income"], {}, NOW)
    following.found(kinds.DRIFT, {}, "region", now=NOW)
    assert {key: one.state(NOW) for key, one in following.problems.by_key.items()} == states(tmp_path)
    assert following.problems == record.read(tmp_path).problems
