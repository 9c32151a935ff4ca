"""What status says a use case did last, from the files that runs and batches leave."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from aifactory.home import Home
from aifactory.provision import retirement, stacks
from aifactory.status import activity
from tests.unit.aifactory.homes import provisioned, scheduled, write
from tests.unit.runtime.contract.test_manifest import VALID


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """`churn` in dev and prod, with its manifest as applied."""
    found = provisioned(tmp_path)
    record = json.loads(found.applied("churn", "dev").read_text())
    manifest = json.loads(json.dumps(VALID))
    write(found.applied("churn", "dev"), {**record, "manifest": manifest})
    return found


def test_given_a_new_use_case_when_asked_then_there_is_nothing_to_say_but_what_it_is(home: Home) -> None:
    found = activity.of(home, "churn", "dev")

    assert found == activity.Activity("classification", "online", "", "", "")


@pytest.mark.parametrize(
    ("handoff", "outcome"),
    [
        ({"version": 3, "gate": {"passed": True}}, "version 3"),
        ({"version": None, "gate": {"passed": False}}, "refused by the gate"),
        ({"gate": {"passed": False, "nothing_gained": True}, "error": "x"}, "nothing gained, the champion stays"),
        ({"version": None, "gate": None}, "not finished"),
        ({"version": None, "gate": None, "error": "no column age"}, "failed: no column age"),
        ({"gate": None, "error": "word " * 40}, "failed: " + "word " * 15 + "..."),
        ({"version": 3, "gate": {"passed": True}, "error": "run train first"}, "version 3"),
        ("{", "not finished"),
    ],
)
def test_given_a_run_when_asked_then_its_time_and_what_it_came_to(
    home: Home, handoff: dict[str, Any] | str, outcome: str
) -> None:
    runs = home.root / "dev" / "churn" / "artifacts" / "runs"
    write(runs / "20261120-030000-aaaaaa" / "handoff.json", {"version": 1})
    write(runs / "20261121-153339-29328e" / "handoff.json", handoff)

    assert activity.of(home, "churn", "dev").last_run == f"2026-11-21 15:33 {outcome}"


@pytest.mark.parametrize(("status", "failed"), [("FAILURE", True), ("SUCCESS", False)])
def test_given_a_scheduled_run_that_failed_when_asked_then_it_says_where_to_look(
    home: Home, status: str, failed: bool
) -> None:
    write(home.root / "dev/churn/artifacts/runs/20261120-030000-aaaaaa/handoff.json", {"version": 1})
    scheduled(home, "churn", "dev", "aed2bdee-2347", "trained\n", status=status)
    scheduled(home, "churn", "dev", "bbbbbbbb-2347", "nothing is due\n", work="tick")

    found = activity.of(home, "churn", "dev").last_run

    assert found == (
        "2026-11-21 03:00 failed: factory logs churn --env dev" if failed else "2026-11-20 03:00 version 1"
    )


def test_given_a_busy_home_when_asked_then_a_failure_is_not_forgotten_for_the_runs_of_others(home: Home) -> None:
    scheduled(home, "churn", "dev", "aed2bdee-2347", "trained\n", status="FAILURE")
    others = [f"other-{number}" for number in range(1_500)]
    with sqlite3.connect(home.root / "shared" / "dagster" / "history" / "runs.db") as database:
        database.execute("CREATE INDEX idx_run_tags_run_idx ON run_tags (run_id)")
        database.executemany("INSERT INTO runs (run_id, status) VALUES (?, 'SUCCESS')", [(other,) for other in others])
        for key, value in (("use_case", "churn"), ("environment", "prod")):
            tags = [(other, f"aifactory/{key}", value) for other in others]
            database.executemany("INSERT INTO run_tags VALUES (?, ?, ?)", tags)

    assert activity.of(home, "churn", "dev").last_run.startswith("2026-11-21 03:00 failed")


def test_given_a_scored_table_when_asked_then_its_last_batch_is_said(home: Home) -> None:
    info = {"timestamp": 1795275223561, "operationMetrics": {"num_added_rows": 569}}
    log = home.root / "dev" / "churn" / "tables" / "scored" / "_delta_log"
    write(log / "00000000000000000000.json", "{}")
    write(log / "00000000000000000001.json", json.dumps({"commitInfo": info}) + '\n{"add": {}}\n')

    assert activity.of(home, "churn", "dev").last_batch == "2026-11-21 15:33 569 rows"


def test_given_a_retired_use_case_when_asked_then_reason_and_date_are_said(home: Home) -> None:
    write(home.state / ".pulumi" / "stacks" / stacks.USECASE / "churn.prod.json", "{}")
    retirement.retire(home, "churn", ["prod"], "replaced by churn-2")

    assert activity.of(home, "churn", "prod").retired.endswith(": replaced by churn-2")
    assert activity.of(home, "churn", "dev").retired == ""
