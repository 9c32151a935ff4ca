"""The look at all use cases each minute: nothing is started for those where nothing has changed."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.manifest import Labels
from aifactory_runtime.events import kinds, record
from aifactory_runtime.triggers import chores, idle, watch
from aifactory_runtime.triggers.here import Here
from infra.services import ticking

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system")
started: list[str] = []
sys.addaudithook(lambda event, _: started.append(event) if event in STARTS else None)


def resting(folder: Path) -> Path:
    """A use case whose tick found nothing to do; the table that it watches."""
    (folder / "triggers").mkdir(parents=True)
    (folder / "serving" / "current" / ticking.CODE[1] / "aifactory_runtime" / "triggers").mkdir(parents=True)
    (folder / "inbox").mkdir()
    table = folder / "table.csv"
    table.write_text("age\n41\n")
    stamps = watch.look([folder / "inbox", table, folder / "serving" / "current", folder / "not-there"])
    watch.write(folder / "triggers", watch.Watch(NOW + timedelta(hours=1), stamps))
    return table


def test_given_an_idle_use_case_when_anything_changes_then_its_tick_is_due(tmp_path: Path) -> None:
    table = resting(tmp_path)
    written = tmp_path / "triggers" / watch.FILE
    assert ticking.can_tick(tmp_path) and not ticking.is_due(tmp_path, NOW)
    assert ticking.is_due(tmp_path, NOW + timedelta(hours=1))
    assert ticking.is_due(tmp_path, NOW - timedelta(days=30)), "the clock was set back"

    table.write_text("age\n41\n42\n")
    assert ticking.is_due(tmp_path, NOW)
    watch.write(written.parent, watch.Watch(NOW + timedelta(hours=1), watch.look([tmp_path / "inbox"])))
    assert not ticking.is_due(tmp_path, NOW)
    (tmp_path / "inbox" / "message").touch()
    assert ticking.is_due(tmp_path, NOW)
    for damaged in ("{", "[]", json.dumps({"until": "soon", "stamps": {}}), json.dumps({"until": 5, "stamps": []})):
        written.write_text(damaged)
        assert ticking.is_due(tmp_path, NOW)


def test_given_a_tick_that_runs_when_looked_at_then_no_other_is_due_and_one_that_was_killed_does_not_count(
    tmp_path: Path,
) -> None:
    resting(tmp_path).unlink()
    lock = tmp_path / "triggers" / watch.LOCK
    lock.write_text("4711")
    with lock.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not ticking.is_due(tmp_path, NOW)
    assert ticking.is_due(tmp_path, NOW), "it was killed"


def test_given_code_or_an_environment_from_before_when_looked_at_then_it_does_not_tick(tmp_path: Path) -> None:
    resting(tmp_path / "a")
    os.rmdir(tmp_path / "a" / "serving" / "current" / ticking.CODE[1] / "aifactory_runtime" / "triggers")  # noqa: PTH106
    resting(tmp_path / "b")
    (tmp_path / "b" / "triggers" / watch.FILE).unlink()
    (tmp_path / "b" / "triggers").rmdir()
    assert not ticking.can_tick(tmp_path / "a") and not ticking.can_tick(tmp_path / "b")


def test_given_many_idle_use_cases_when_looked_at_then_no_process_is_started(tmp_path: Path) -> None:
    for number in range(20):
        resting(tmp_path / str(number))
    started.clear()
    assert not any(ticking.is_due(tmp_path / str(number), NOW) for number in range(20))
    assert started == []


TASKS = [replace(one, do=lambda *_: None) for one in chores.CHORES]
"""Those of a tick, as often as they are due, with nothing to do."""
CALENDAR = 2
"""Processes that a day brings: the look at the audit log, and the monitors with it."""


class Case:
    """A use case in one environment, whose tick does what is due and finds nothing."""

    def __init__(self, folder: Path, *, wait: float = 0.0, silence: float | None = None, **asked: Any) -> None:
        self.folder, self.ticks = folder, 0
        for name in ("triggers", "capture", "serving/metrics"):
            (folder / name).mkdir(parents=True)
        code = folder / "serving" / "current" / ticking.CODE[1] / "aifactory_runtime" / "triggers"
        code.mkdir(parents=True)
        folders = ("tracking", "registry", "data", "artifact", "capture", "snapshot", "audit", "events", "logs")
        values = {f"{name}_uri": str(folder / name) for name in folders} | {"release_uri": str(folder / "serving")}
        values |= {"use_case": "demo-case", "environment": "prod", "identity": "release", "data_source": "a.csv"}
        values |= {"experiment": "prod/demo-case", "model_name": "demo-case.prod"}
        monitoring = SimpleNamespace(period_minutes=60.0, longest_silence_hours=silence)
        here = SimpleNamespace(
            contract=EnvironmentContract.model_validate(values | asked),
            project=SimpleNamespace(
                settings=SimpleNamespace(monitoring=monitoring), manifest=SimpleNamespace(labels=Labels(wait=wait))
            ),
            folder=folder / "triggers",
            events=folder / "events",
        )
        self.here = cast("Here", here)
        self.log = folder / "capture" / "predictions-000000000001.jsonl"

    def predict(self) -> None:
        """One more is recorded."""
        with self.log.open("a") as file:
            file.write("{}\n")

    def tick(self, now: datetime) -> None:
        """As `tick.py` does."""
        self.ticks += 1
        seen = idle.look(self.here)
        chores.do(TASKS, self.here, now)
        chores.finish(TASKS, self.here, now)
        usual, later = (chores.next_due(TASKS, self.here, now, idle=idly) for idly in (False, True))
        watch.write(self.here.folder, idle.of(self.here, watch.Watch(usual, {}), seen, later, now))

    def look(self, now: datetime) -> bool:
        """What the schedule does; whether it started a process."""
        due = ticking.can_tick(self.folder) and ticking.is_due(self.folder, now)
        if due:
            self.tick(now)
        return due


@pytest.mark.heavy
def test_given_200_idle_and_200_busy_use_cases_on_a_day_then_idle_ones_start_only_what_the_calendar_says(
    tmp_path: Path,
) -> None:
    idles = [Case(tmp_path / f"idle-{number}") for number in range(200)]
    busy = [Case(tmp_path / f"busy-{number}") for number in range(200)]
    for number, one in enumerate((*idles, *busy)):
        one.predict()
        one.tick(NOW + timedelta(minutes=number % 60 - 60))  # at some minute of the hour before
        one.ticks = 0
    most, apart = 0, 10
    started.clear()
    for minutes in range(0, 24 * 60, apart):
        now = NOW + timedelta(minutes=minutes)
        for one in busy:
            one.predict()
        most = max(most, sum(one.look(now) for one in (*idles, *busy)))

    assert started == []
    assert {one.ticks for one in idles} <= set(range(CALENDAR + 1)), "the audit log, monitors once a day, and no more"
    assert {one.ticks for one in busy} <= {20, 21, 22, 23, 24}, "each once an hour, a look each ten minutes here"
    assert most <= 2 * len(busy) * apart / 60 + len(idles), "spread over the hour as they were"


def test_given_a_case_where_nothing_is_recorded_when_something_happens_then_its_monitors_are_due_within_the_hour(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"http://127.0.0.1:{service.getsockname()[1]}"
        one = Case(tmp_path, endpoint_url=address)
        one.predict()
        one.tick(NOW)
        hour, day = NOW + timedelta(hours=1), NOW + timedelta(hours=24)
        assert not one.look(hour) and not one.look(day - timedelta(minutes=1)) and one.look(day)

        for happens in (
            one.predict,
            (one.folder / "serving" / "serving.json").touch,
            (one.folder / "serving" / "metrics" / "a").touch,
        ):
            one.tick(NOW)
            happens()
            assert not one.look(hour - timedelta(minutes=1)) and one.look(hour), happens
        one.tick(NOW)
    assert one.look(NOW + timedelta(hours=2)), "the service takes no more connections"
    assert not one.look(NOW + timedelta(hours=5)), "that is told once"


def test_given_what_a_further_look_may_find_when_nothing_is_recorded_then_monitors_look_each_hour(
    tmp_path: Path,
) -> None:
    hour = NOW + timedelta(hours=1)
    silent = Case(tmp_path / "silent", silence=6.0)
    silent.tick(NOW)
    assert silent.look(hour), "that nothing comes is what it looks for"

    waits = Case(tmp_path / "waits", wait=7200.0)
    waits.predict()
    written = waits.log.stat().st_mtime
    for hours, due in ((1, True), (4, False)):
        moment = datetime.fromtimestamp(written, UTC) + timedelta(hours=hours)
        waits.tick(moment)
        assert waits.look(moment + timedelta(hours=1)) is due, "a label counts after its wait"

    near = Case(tmp_path / "near")
    record.found(near.here.events, kinds.QUOTA_NEAR, {"window": "clock 3"}, "disk", now=NOW)
    near.tick(NOW)
    assert near.look(hour), "it may be over"
    record.over(near.here.events, ["quota_near:disk"], {}, NOW)
    near.tick(NOW)
    assert not near.look(hour)
