"""The orchestrator's schedule, asked directly in the servers' own interpreter."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from aifactory.provision import servers
from aifactory_runtime.audit import log
from aifactory_runtime.config import layout
from tests.infra.engine import INFRA

pytestmark = pytest.mark.slow

ASK = """
import datetime, json, logging, os, sys
sys.path.insert(0, sys.argv[1])
import dagster, orchestrator
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
instance = dagster.DagsterInstance.local_temp(os.environ["HOME"])
for line in sys.stdin:
    asked, answers = json.loads(line), []
    os.environ["FACTORY_HOME"] = asked["home"]
    instance.wipe()
    for place, work, state in asked["runs"]:
        tags = {"aifactory/place": place, "aifactory/work": work}
        job = orchestrator.defs.resolve_job_def(work)
        config = {"use_case": place, "environment": place, "work": work}
        config = {"ops": {"run_released_code": {"config": config}}, "loggers": {"lines": {}}}
        instance.create_run_for_job(job, run_config=config, tags=tags, status=dagster.DagsterRunStatus[state])
    if asked["restarted"]:
        orchestrator.STARTED = orchestrator.running.seconds()
    for slot in asked["slots"]:
        moment = datetime.datetime.fromisoformat(slot)
        context = dagster.build_schedule_context(instance, scheduled_execution_time=moment)
        said = []
        context.log.addHandler(Said())
        schedule = next(one for one in orchestrator.defs.schedules if one.name == f"{asked['work']}_every_minute")
        result = schedule.evaluate_tick(context)
        runs = [{"key": run.run_key, "tags": dict(run.tags), "config": run.run_config} for run in result.run_requests]
        answers.append({"runs": runs, "skip": result.skip_message, "said": " ".join(said)})
    print(json.dumps(answers), flush=True)
"""
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import orchestrator
job = orchestrator.defs.resolve_job_def("scoring")
result = job.execute_in_process(run_config=json.loads(sys.argv[2]), raise_on_error=False)
print("done" if result.success else "failed")
"""
MONDAY_AT_THREE = "2026-11-23T03:00:00+00:00"
A_MINUTE_LATER = "2026-11-23T03:01:00+00:00"


Tick = Callable[..., list[dict[str, Any]]]
Runs = Sequence[tuple[str, str, str]]
"""Runs that are there: of which environment, what for, in which state."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The servers' interpreter with the schedules in it, which takes two seconds to start; answers line by line."""
    folder = tmp_path_factory.mktemp("orchestrator")
    process = subprocess.Popen(
        [str(servers.ensure(print)), "-c", ASK, str(INFRA / "services")],
        env={"FACTORY_HOME": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        yield process


@pytest.fixture
def tick(asked: subprocess.Popen[str], tmp_path: Path) -> Tick:
    """What the schedule of a kind of work answers in the home of this test, minute by minute."""

    def ask(*slots: str, work: str = "retraining", runs: Runs = (), restarted: bool = False) -> list[dict[str, Any]]:
        assert asked.stdin is not None and asked.stdout is not None
        question = {"home": str(tmp_path), "work": work, "slots": slots, "runs": runs, "restarted": restarted}
        asked.stdin.write(json.dumps(question) + "\n")
        asked.stdin.flush()
        return list(json.loads(asked.stdout.readline()))

    return ask


def _apply(home: Path, use_case: str, cron: str | None, *, released: bool, setting: str = "retraining") -> None:
    (home / "usecases").mkdir(exist_ok=True)
    manifest = {"environments": {"prod": {setting: {"schedule": cron}}}}
    environment = {"use_case": use_case, "environment": "prod"}
    record = json.dumps({"manifest": manifest, "environment": environment})
    (home / "usecases" / f"{use_case}.prod.json").write_text(record)
    if released:
        (home / "prod" / use_case / "serving" / "current").mkdir(parents=True)


def test_given_schedules_when_their_minute_comes_then_each_released_use_case_gets_one_tagged_run(
    tick: Tick,
    tmp_path: Path,
) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=True)
    _apply(tmp_path, "fraud", "* * * * *", released=True)
    _apply(tmp_path, "by-hand", None, released=True)
    at_three, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER)
    assert [run["key"] for run in at_three["runs"]] == [
        f"churn.prod:{MONDAY_AT_THREE}",
        f"fraud.prod:{MONDAY_AT_THREE}",
    ]
    assert [run["tags"]["aifactory/use_case"] for run in later["runs"]] == ["fraud"]
    tags = {"aifactory/use_case": "churn", "aifactory/environment": "prod", "aifactory/schedule": "0 3 * * 1"}
    assert at_three["runs"][0]["tags"].items() >= tags.items()


def test_given_schedules_when_nothing_is_due_then_the_tick_names_each_use_case_and_its_cron(
    tick: Tick, tmp_path: Path
) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=True)
    _apply(tmp_path, "fraud", "30 4 1 * *", released=False)
    _apply(tmp_path, "by-hand", None, released=True)
    (later,) = tick(A_MINUTE_LATER)
    assert later["skip"] == "nothing is due; scheduled (UTC): churn.prod at 0 3 * * 1, fraud.prod at 30 4 1 * *"


def test_given_an_audit_log_that_moves_when_a_minute_is_over_then_no_run_is_started_for_it(
    tick: Tick, tmp_path: Path
) -> None:
    (nothing,) = tick(A_MINUTE_LATER, work="anchor")
    assert (nothing["runs"], nothing["skip"], nothing["said"]) == ([], "no audit log has moved", "")
    log.append(tmp_path / "prod" / "churn" / "audit", "released", "release", {})
    (waiting,) = tick(A_MINUTE_LATER, work="anchor")
    assert (waiting["runs"], waiting["said"]) == ([], "there is no place to anchor audit logs yet: factory up shared")


def test_given_a_batch_schedule_when_its_minute_comes_then_a_table_is_scored_and_nothing_trained(
    tick: Tick,
    tmp_path: Path,
) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=True, setting="batch")
    _apply(tmp_path, "fraud", "0 3 * * 1", released=True)
    _apply(tmp_path, "waiting", "0 3 * * 1", released=False, setting="batch")
    at_three, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER, work="scoring")
    assert [run["key"] for run in at_three["runs"]] == [f"churn.prod:{MONDAY_AT_THREE}"]
    assert at_three["runs"][0]["config"]["ops"]["run_released_code"]["config"] == {
        "use_case": "churn",
        "environment": "prod",
        "work": "scoring",
    }
    assert "waiting.prod" in at_three["said"]
    assert later["skip"].startswith("nothing is due; ")


def _executed(home: Path, run: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What came of a run that a schedule asked for."""
    return subprocess.run(
        [str(servers.ensure(print)), "-c", RUN, str(INFRA / "services"), json.dumps(run["config"])],
        env={"FACTORY_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_given_a_batch_that_fails_when_it_runs_then_its_log_has_what_it_said_on_the_path_of_the_repo_and_no_traceback(
    tick: Tick,
    tmp_path: Path,
) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=True, setting="batch")
    ((run,),) = (answer["runs"] for answer in tick(MONDAY_AT_THREE, work="scoring"))
    python = tmp_path / "prod" / "churn" / "serving" / "current" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho path: $PYTHONPATH\necho 'Error: no column age' >&2\nexit 1\n")
    python.chmod(0o755)

    done = _executed(tmp_path, run)

    assert done.stdout.splitlines()[-1] == "failed"
    assert f"path: {layout.python_path(python.parents[2])}" in done.stdout.splitlines()
    assert "Error: no column age" in done.stderr.splitlines()[-5:]
    assert "Stack Trace" not in done.stderr

    (tmp_path / "usecases" / "churn.prod.json").unlink()  # destroyed while the run waited for its turn
    done = _executed(tmp_path, run)
    assert done.stdout.splitlines()[-1] == "done"
    assert "churn.prod is no longer provisioned" in done.stderr
    assert "no column age" not in done.stderr


def test_given_a_day_when_its_minute_comes_then_what_can_is_tidied_as_release_and_older_code_is_named(
    tick: Tick, tmp_path: Path
) -> None:
    for use_case in ("churn", "older", "prices"):
        _apply(tmp_path, use_case, "0 3 * * *", released=use_case != "prices", setting="retention")
    rules = tmp_path / "prod" / "churn" / "serving" / "current" / layout.CODE[1] / "aifactory_runtime" / "retention"
    rules.mkdir(parents=True)
    (rules / "rules.py").touch()

    (at_three,) = tick(MONDAY_AT_THREE, work="tidying")

    (run,) = at_three["runs"]
    asked = {"use_case": "churn", "environment": "prod", "work": "tidying"}
    assert run["config"]["ops"]["run_released_code"]["config"] == asked
    assert "what is released is too old for it, release a newer commit: older.prod" in at_three["said"]
    assert "nothing is released yet: prices.prod" in at_three["said"]
    assert tick(MONDAY_AT_THREE)[0]["runs"] == [], "nobody trains"


def test_given_use_cases_that_tick_when_files_change_then_those_tick_and_no_other(tick: Tick, tmp_path: Path) -> None:
    """Code that knows requests is asked by the tick, and by the calendar for a request; older code trains as it did."""
    for name in ("churn", "fraud", "older"):
        _apply(tmp_path, name, "0 3 * * 1", released=True)
        if name != "older":
            _knows_requests(tmp_path / "prod" / name)
    stamps = {str(tmp_path / "prod" / "fraud" / "inbox"): None}
    written = tmp_path / "prod" / "fraud" / "triggers" / "watch.json"
    written.write_text(json.dumps({"schema": 1, "until": "2026-11-23T04:00:00+00:00", "stamps": stamps}))

    (first,) = tick(MONDAY_AT_THREE, work="tick")
    (tmp_path / "prod" / "fraud" / "inbox").mkdir()
    (second,) = tick(MONDAY_AT_THREE, work="tick")

    assert [run["tags"]["aifactory/use_case"] for run in first["runs"]] == ["churn"]
    assert [run["tags"]["aifactory/use_case"] for run in second["runs"]] == ["churn", "fraud"]
    for name, ours in (("churn", "-m churn tick --calendar"), ("older", "-m older run --kind retraining")):
        config = {"use_case": name, "environment": "prod", "work": "retraining"}
        said = _carried_out(tmp_path, config)
        assert f"arguments: {ours}" in said
        known = '{"use_case": "churn", "environment": "prod"}' if name == "churn" else f'{{"use_case": "{name}", '
        assert any(line.startswith(f"prod: {known}") for line in said)


def test_given_a_queue_when_the_minute_comes_then_no_second_run_of_the_same_waits_in_it(
    tick: Tick, tmp_path: Path
) -> None:
    """Else a machine that is behind would never be done: each minute would add a tick of each environment."""
    for name in ("churn", "fraud", "prices"):
        _apply(tmp_path, name, "0 3 * * 1", released=True)
        _knows_requests(tmp_path / "prod" / name)
    queued: Runs = [
        ("churn.prod", "tick", "NOT_STARTED"),
        ("fraud.prod", "tick", "STARTED"),
        ("prices.prod", "tick", "SUCCESS"),
    ]

    (first,) = tick(MONDAY_AT_THREE, work="tick", runs=queued)
    (second,) = tick(MONDAY_AT_THREE, work="tick", runs=[*queued, ("prices.prod", "tick", "NOT_STARTED")])
    trained = [(place, "retraining", state) for place, _, state in queued]
    (third,) = tick(MONDAY_AT_THREE, runs=[*queued, *trained])

    assert [run["tags"]["aifactory/place"] for run in first["runs"]] == ["prices.prod"]
    assert second["skip"] == "3 ticks of before still wait or run; nothing has changed in 0 environments"
    assert [run["tags"]["aifactory/place"] for run in third["runs"]] == ["fraud.prod", "prices.prod"]
    assert third["runs"][0]["tags"]["aifactory/work"] == "retraining", "its minute has come while another one runs"
    assert "due, and its run of before still waits: churn.prod" in third["said"]


def test_given_runs_that_a_reboot_killed_when_the_next_minute_comes_then_they_are_over_and_what_they_did_is_due_again(
    tick: Tick, tmp_path: Path
) -> None:
    """Else they would take the places of runs that could go on, for good."""
    for name in ("churn", "fraud"):
        _apply(tmp_path, name, None, released=True)
        _knows_requests(tmp_path / "prod" / name)
    there: Runs = [("churn.prod", "tick", "STARTED"), ("fraud.prod", "tick", "STARTING")]

    (before,) = tick(MONDAY_AT_THREE, work="tick", runs=there)
    killed, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER, work="tick", runs=there, restarted=True)

    assert before["runs"] == []
    assert [run["tags"]["aifactory/place"] for run in killed["runs"]] == ["churn.prod", "fraud.prod"]
    assert "2 runs were lost with an earlier start" in killed["said"]
    assert "lost" not in later["said"]


def _knows_requests(folder: Path) -> None:
    (folder / "triggers").mkdir()
    (folder / "serving" / "current" / layout.CODE[1] / "aifactory_runtime" / "triggers").mkdir(parents=True)


def _carried_out(home: Path, config: dict[str, str]) -> list[str]:
    """What a run of the orchestrator starts, as a stand-in for the snapshot's interpreter was called."""
    python = home / "prod" / config["use_case"] / "serving" / "current" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "arguments: $*"\necho "prod: $AIFACTORY_CONTRACT_PROD"\n')
    python.chmod(0o755)
    run = {"ops": {"run_released_code": {"config": config}}, "loggers": {"lines": {}}}
    done = subprocess.run(
        [str(servers.ensure(print)), "-c", RUN, str(INFRA / "services"), json.dumps(run)],
        env={"FACTORY_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_given_a_retired_use_case_when_its_minute_comes_then_nothing_runs(tick: Tick, tmp_path: Path) -> None:
    _apply(tmp_path, "churn", "* * * * *", released=True)
    record = tmp_path / "usecases" / "churn.prod.json"
    content = json.loads(record.read_text())
    content["environment"]["retired"] = "replaced by churn-2"
    record.write_text(json.dumps(content))

    (answer,) = tick(A_MINUTE_LATER)

    assert (answer["runs"], answer["skip"]) == ([], "nothing is due; no use case has a schedule")


def test_given_nothing_released_when_the_minute_comes_then_it_is_skipped_and_said(tick: Tick, tmp_path: Path) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=False)
    at_three, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER)
    assert (at_three["runs"], later["runs"]) == ([], [])
    assert at_three["skip"].startswith("due, but nothing is released yet: churn.prod; scheduled")
    assert later["skip"] == "nothing is due; scheduled (UTC): churn.prod at 0 3 * * 1"


BROKEN = {
    "not JSON": "{",
    "half a record": json.dumps({"environment": {"use_case": "aaa", "environment": "prod"}}),
    "no object": "[]",
    "a number for a name": json.dumps(
        {"environment": {"use_case": 5, "environment": "prod"}, "manifest": {"environments": {"prod": {}}}}
    ),
    "another form": json.dumps({"environment": [], "manifest": "x"}),
    "a number for a schedule": json.dumps(
        {
            "environment": {"use_case": "aaa", "environment": "prod"},
            "manifest": {"environments": {"prod": {"retraining": {"schedule": 7}}}},
        }
    ),
    "a wrong retraining": json.dumps(
        {
            "environment": {"use_case": "aaa", "environment": "prod"},
            "manifest": {"environments": {"prod": {"retraining": "weekly"}}},
        }
    ),
}


@pytest.mark.parametrize("schedule", ["99 99 * * *", "H H * * *", "0 3 * * 1#9", "every monday", ""])
def test_given_one_bad_schedule_when_the_minute_comes_then_the_others_run(
    tick: Tick, tmp_path: Path, schedule: Any
) -> None:
    _apply(tmp_path, "aaa", schedule, released=True)
    _apply(tmp_path, "churn", "0 3 * * 1", released=True)
    at_three, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER)
    assert [run["tags"]["aifactory/use_case"] for run in at_three["runs"]] == ["churn"]
    assert "aaa.prod" in later["skip"]
    assert "schedule" in later["skip"]
    assert "aaa.prod" in at_three["said"]


def test_given_broken_records_when_the_minute_comes_then_each_is_named_and_the_others_run(
    tick: Tick, tmp_path: Path
) -> None:
    _apply(tmp_path, "churn", "0 3 * * 1", released=True)
    for number, text in enumerate(BROKEN.values()):
        (tmp_path / "usecases" / f"broken-{number}.prod.json").write_text(text)
    (tmp_path / "usecases" / "bytes.prod.json").write_bytes(b"\xff\xfe")
    (tmp_path / "usecases" / "folder.prod.json").mkdir()
    at_three, later = tick(MONDAY_AT_THREE, A_MINUTE_LATER)
    assert [run["tags"]["aifactory/use_case"] for run in at_three["runs"]] == ["churn"]
    for name in (
        *(f"broken-{number}.prod.json" for number in range(len(BROKEN))),
        "bytes.prod.json",
        "folder.prod.json",
    ):
        assert name in later["skip"]
        assert name in at_three["said"]
