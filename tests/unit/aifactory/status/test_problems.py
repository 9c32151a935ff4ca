"""What `factory status` says about open problems."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory.cli import services
from aifactory.home import Home
from aifactory.status import overview
from aifactory.status.overview import ServiceState
from aifactory.status.problems import Found, OpenProblem, open_problems
from aifactory_runtime.events import kinds, log, record
from aifactory_runtime.events.event import ACKNOWLEDGED, Event
from tests.unit.aifactory.status.test_allowance import applied

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)


def refused(folder: Path, *hours: int) -> None:
    for hour in hours:
        record.found(folder, kinds.GATE_REFUSED, {"run": "a"}, now=NOW + timedelta(hours=hour))


def row(use_case: str, environment: str, count: int, state: str = "open") -> OpenProblem:
    kind = kinds.KINDS[kinds.GATE_REFUSED]
    since = "2027-01-15 12:00"
    return OpenProblem(
        use_case, environment, "gate_refused", "warning", since, count, state, kind.owner, kind.what_to_do
    )


def test_given_use_cases_when_asked_then_open_problems_are_told_and_closed_ones_are_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    refused(applied(home, "churn", "dev", {}), 0, 1)
    over = applied(home, "churn", "prod", {})
    refused(over, 0)
    record.over(over, [kinds.GATE_REFUSED], {}, NOW)
    mine = applied(home, "fraud", "dev", {})
    refused(mine, 0)
    log.append(mine, Event(NOW, kinds.GATE_REFUSED, kinds.GATE_REFUSED, ACKNOWLEDGED, {"note": "mine"}, by="ana"))

    assert open_problems(home, NOW, "churn") == Found((row("churn", "dev", 2),), ())
    assert open_problems(home, NOW).problems[-1] == row("fraud", "dev", 1, "acknowledged by ana; note: mine")


def test_given_a_retired_use_case_when_asked_then_nobody_has_to_act(tmp_path: Path) -> None:
    home = Home(tmp_path)
    refused(applied(home, "churn", "dev", {}, retired="no longer sold"), 0)
    assert open_problems(home, NOW) == Found((), ())


def test_given_events_that_cannot_be_read_when_asked_then_it_is_said_and_the_others_are_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    damaged = applied(home, "churn", "dev", {})
    refused(damaged, 0)
    with log.segments(damaged)[0].open("a") as file:
        file.write("no event\n")
    broken = applied(home, "churn", "prod", {})
    broken.rmdir()
    broken.write_text("")

    found = open_problems(home, NOW)
    assert found.problems == (row("churn", "dev", 1),)
    assert "line 2 is no event" in found.unread[0]
    assert "events cannot be read" in found.unread[1]


def test_given_an_open_problem_when_status_is_asked_for_then_people_and_machines_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(overview, "services", lambda _: [ServiceState("tracking", "running", "")])
    monkeypatch.setattr(overview, "serving", lambda *_: [])
    refused(applied(Home(tmp_path / "home"), "churn", "dev", {}), 0, 1)

    told = CliRunner().invoke(services.status, []).stdout
    assert "USE CASE  ENVIRONMENT  PROBLEM       SEVERITY  SINCE             FOUND  STATE  OWNER" in told
    assert "churn     dev          gate_refused  warning   2027-01-15 12:00  2      open   data-scientist  read" in told
    (one,) = json.loads(CliRunner().invoke(services.status, ["--json"]).stdout)["problems"]
    assert (one["problem"], one["count"], one["state"]) == ("gate_refused", 2, "open")
