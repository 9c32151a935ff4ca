"""`tidy` says what there is to do, and does it when told so; `keep` keeps more than the rules do."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aifactory_runtime.audit import log as audit
from aifactory_runtime.capture import log_file
from aifactory_runtime.capture.log_file import OLDER
from aifactory_runtime.config import credentials, options
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.retention import commands, rules
from tests.unit.runtime.capture.lines import line, stored
from tests.unit.runtime.capture.test_compaction import log_of
from tests.unit.runtime.retention import made
from tests.unit.runtime.retention.made import Memory


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Memory:
    known = Memory()
    monkeypatch.setattr(commands, "_registry", lambda _: known)
    monkeypatch.setattr(credentials, "login_of", lambda _, person=None: f"{person or 'release'}.demo-case.dev")
    return known


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Memory) -> EnvironmentContract:
    """An environment, the one that commands find."""
    _ = registry
    contract = made.contract(tmp_path)
    monkeypatch.setattr(options, "contract_of", lambda _: contract)
    return contract


@pytest.fixture
def place(here: EnvironmentContract) -> Path:
    """Its folder, with ten predictions in its log."""
    log_of(Path(here.capture_uri), range(10))
    return Path(here.capture_uri).parent


def typed(*arguments: str) -> Result:
    command = commands.keep if arguments[:1] == ("keep",) else commands.tidy
    return CliRunner().invoke(command, arguments[1:] if command is commands.keep else arguments)


def said(*arguments: str) -> str:
    done = typed(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_given_predictions_in_the_log_when_tidied_by_hand_then_it_is_said_first_and_nothing_is_touched(
    place: Path,
) -> None:
    would = "10 predictions of dev would be moved from the log into the table captured"
    assert said().splitlines() == [would, "say --yes to do it; --json names all of it"]
    assert stored(place / "data") == [] and log_file.segments(place / "capture").closed() != []

    assert said("--yes") == "10 predictions of dev moved from the log into the table captured\n"
    assert len(stored(place / "data")) == 10
    assert said() == "0 predictions of dev would be moved from the log into the table captured\n"


def test_given_the_file_of_an_earlier_release_when_tidied_then_its_lines_are_counted_as_they_will_be_moved(
    place: Path,
) -> None:
    older = place / "capture" / OLDER
    older.write_bytes(b"".join(line(n, n) + b', "sequence": %d}\n' % n for n in range(20, 23)))
    assert said().startswith("10 predictions"), "somebody writes to it"
    os.utime(older, (0, time.time() - 100_000))

    assert said().startswith("13 predictions of dev would be moved")
    assert said("--yes").startswith("13 predictions of dev moved")


@pytest.mark.parametrize(("told", "done"), [((), False), (("--yes",), True)])
def test_given_json_when_tidied_then_it_is_one_object(place: Path, told: tuple[str, ...], done: bool) -> None:
    nothing: dict[str, object] = {"windows": 0, "removals": [], "notes": [], "troubles": []}
    assert json.loads(said("--json", *told)) == {"environment": "dev", "predictions": 10, "done": done, **nothing}
    assert len(stored(place / "data")) == (10 if done else 0)


@pytest.mark.heavy
def test_given_runs_when_tidied_then_each_rule_is_a_line_and_a_run_that_a_person_keeps_stays(
    here: EnvironmentContract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LAST_RUNS", 1)
    for number in range(3):
        made.run(here, number)
    lines = said().splitlines()
    why = "no run that stays and no registered version names it"
    assert lines[1].startswith(f"2 runs ({made.run_id(0)}, {made.run_id(1)}) would be removed: no registered version")
    assert lines[2:] == [
        f"2 versions of table raw (0, 1) would be removed: {why}",
        f"2 versions of table prepared (0, 1) would be removed: {why}",
        "say --yes to do it; --json names all of it",
    ]

    assert said("keep") == "nobody keeps anything in dev beyond what the rules keep\n"
    kept = said("keep", "run", made.run_id(0), "--why", "the auditor asked", "--as", "kim")
    assert kept == f"run {made.run_id(0)} is kept in dev\n"
    assert said("--yes").splitlines()[1].startswith(f"1 run ({made.run_id(1)}) removed: ")
    listed = json.loads(said("keep", "--json"))["kept"]
    assert [(one["kind"], one["why"], one["who"]) for one in listed] == [
        ("run", "the auditor asked", "kim.demo-case.dev")
    ]
    line = audit.read(Path(here.audit_uri))[0]
    facts = {"kind": "run", "name": made.run_id(0), "why": "the auditor asked"}
    assert (line["action"], line["who"], line["facts"]) == ("keep", "kim.demo-case.dev", facts)

    gone = typed("keep", "run", made.run_id(1), "--why", "too late")
    assert gone.exit_code and "was removed on" in str(gone.exception)
    ended = json.loads(said("keep", "run", made.run_id(0), "--end", "--why", "done", "--json"))
    assert ended == {"environment": "dev", "kind": "run", "name": made.run_id(0), "kept": False}
    assert said("--yes").splitlines()[1].startswith(f"1 run ({made.run_id(0)}) removed: ")


def test_given_things_to_keep_when_they_are_not_there_then_refused_and_a_prediction_is_kept_by_its_day(
    here: EnvironmentContract, registry: Memory
) -> None:
    registry.add(7, "run")
    day = (datetime.now(UTC) - timedelta(days=300)).date()
    made.predict(here, day)
    assert said("keep", "version", "7", "--why", "the first") == "version 7 is kept in dev\n"
    assert (
        said("keep", "prediction", made.predict(here, day, number=2), "--why", "a court")
        == f"day {day} is kept in dev\n"
    )
    assert said("--yes") == "2 predictions of dev moved from the log into the table captured\n"
    assert said("keep", "day", str(day), "--end", "--why", "over") == f"day {day} is kept no longer in dev\n"
    assert "1 day of predictions" in said("--yes")

    for wrong, why in (
        (("day", "yesterday"), "'yesterday' is no day: write it as 2027-01-31"),
        (("day", str(day)), f"the day {day} was removed on"),
        (("version", "x"), "'x' is no version: write its number"),
        (("run", "20260101-000009-abcdef"), "there is no run 20260101-000009-abcdef"),
        (("prediction", "f" * 32), "is recorded here: check id and --env"),
        (("prediction", made.prediction_id(datetime(day.year, day.month, day.day, tzinfo=UTC), 1)), "was removed on"),
        (("version", "7", "--end"), ""),
        (("version", "7", "--end"), "nobody keeps version 7"),
    ):
        done = typed("keep", *wrong, "--why", "x")
        assert why in str(done.exception) if why else done.exit_code == 0, wrong


def test_given_a_part_that_fails_when_tidied_then_it_is_said_and_the_exit_code_is_1(
    place: Path,
) -> None:
    newest = log_file.segments(place / "capture").newest()
    assert newest is not None
    newest.write_bytes(newest.read_bytes() + b"garbage\n")
    done = CliRunner().invoke(commands.tidy, ["--yes"], standalone_mode=False)
    assert done.return_value == 1 and "damaged: restore the file" in done.output
