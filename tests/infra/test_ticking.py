"""The look at all use cases each minute: nothing is started for those where nothing has changed."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aifactory_runtime.triggers import watch
from infra.services import ticking

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system")
started: list[str] = []
sys.addaudithook(lambda event, _: started.append(event) if event in STARTS else None)


def idle(folder: Path) -> Path:
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
    table = idle(tmp_path)
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
    idle(tmp_path).unlink()
    lock = tmp_path / "triggers" / watch.LOCK
    lock.write_text("4711")
    with lock.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not ticking.is_due(tmp_path, NOW)
    assert ticking.is_due(tmp_path, NOW), "it was killed"


def test_given_code_or_an_environment_from_before_when_looked_at_then_it_does_not_tick(tmp_path: Path) -> None:
    idle(tmp_path / "a")
    os.rmdir(tmp_path / "a" / "serving" / "current" / ticking.CODE[1] / "aifactory_runtime" / "triggers")  # noqa: PTH106
    idle(tmp_path / "b")
    (tmp_path / "b" / "triggers" / watch.FILE).unlink()
    (tmp_path / "b" / "triggers").rmdir()
    assert not ticking.can_tick(tmp_path / "a") and not ticking.can_tick(tmp_path / "b")


def test_given_many_idle_use_cases_when_looked_at_then_no_process_is_started(tmp_path: Path) -> None:
    for number in range(20):
        idle(tmp_path / str(number))
    started.clear()
    assert not any(ticking.is_due(tmp_path / str(number), NOW) for number in range(20))
    assert started == []
