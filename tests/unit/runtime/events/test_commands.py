"""`python -m <package> events`: what people and machines are told, and what a person does about a problem."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime import cli
from aifactory_runtime.events import kinds, log, record
from tests.fixtures.usecase_repo import TEMPLATE

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
FAR = "2999-12-31"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The events of a repo with nothing provisioned, in which the test stands: one open problem, one that is over."""
    for name in ("factory.yaml", "conf/base.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((TEMPLATE / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    place = tmp_path / ".factory" / "embedded" / "events"
    record.found(place, kinds.NOT_CONVERGED, {"run": "a"}, now=NOW)
    record.over(place, [kinds.NOT_CONVERGED], {"run": "b"}, NOW + timedelta(hours=1))
    for hour in (2, 3):
        record.found(place, kinds.GATE_REFUSED, {"run": "c"}, now=NOW + timedelta(hours=hour))
    return place


def events(*arguments: str) -> int | str | None:
    """Run the command; its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main("demo_case", ["events", *arguments])
    return ended.value.code


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What the command prints for machines."""
    capsys.readouterr()
    assert events(*arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("folder")
def test_given_problems_when_listed_then_open_ones_come_first_with_owner_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert events("--problems") == 0
    assert capsys.readouterr().out.splitlines() == [
        "gate_refused: warning, found 2 times from 2027-01-15 14:00 to 2027-01-15 15:00; open; data-scientist: "
        + kinds.KINDS[kinds.GATE_REFUSED].what_to_do,
        "not_converged: warning, found once from 2027-01-15 12:00 to 2027-01-15 12:00; over since 2027-01-15 13:00",
    ]


@pytest.mark.usefixtures("folder")
def test_given_events_when_listed_then_a_line_each_and_the_last_ones_as_many_as_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert events("--last", "3") == 0
    assert capsys.readouterr().out.splitlines() == [
        "2\t2027-01-15 13:00\tnot_converged\tclosed\trun b",
        "3\t2027-01-15 14:00\tgate_refused\topen\trun c",
        "4\t2027-01-15 15:00\tgate_refused\topen\trun c",
    ]
    assert [one["sequence"] for one in answer(capsys)["events"]] == [1, 2, 3, 4]


@pytest.mark.usefixtures("folder")
def test_given_json_when_problems_are_listed_then_all_that_is_known_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "--problems", "--env", "embedded")
    assert (found["environment"], found["damaged"]) == ("embedded", [])
    assert found["problems"][0] == {
        "key": "gate_refused",
        "kind": "gate_refused",
        "state": "open",
        "severity": "warning",
        "owner": "data-scientist",
        "what_to_do": kinds.KINDS[kinds.GATE_REFUSED].what_to_do,
        "opened": "2027-01-15T14:00:00+00:00",
        "last": "2027-01-15T15:00:00+00:00",
        "count": 2,
        "openings": 1,
        "facts": {"run": "c"},
    }


def test_given_nothing_yet_when_listed_then_it_is_said_and_nothing_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert (events(), events("--problems")) == (0, 0)
    assert capsys.readouterr().out == "nothing happened in embedded yet\n" * 2
    assert not folder.exists()


def test_given_a_damaged_line_when_listed_then_the_others_are_and_the_exit_code_is_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = log.segments(folder)
    path.write_bytes(b"no event\n" + path.read_bytes().split(b"\n", 1)[1])
    assert events("--json") == 1
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert [one["sequence"] for one in found["events"]] == [2, 3, 4]
    assert told.err == f"factory: {found['damaged'][0]}\n"
    assert "line 1 is no event" in told.err


def test_given_an_open_problem_when_acknowledged_then_who_and_why_are_recorded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert events("ack", "gate_refused", "--note", "the March file is short", "--caught-by", "a test of the file") == 0
    told = capsys.readouterr().out
    assert f"; acknowledged by {getpass.getuser()}; note: the March file is short; would have been caught by a " in told
    last = log.read(folder).events[-1]
    assert (last.state, last.by, last.key) == ("acknowledged", getpass.getuser(), "gate_refused")
    assert answer(capsys, "--problems")["problems"][0]["state"] == "acknowledged"


@pytest.mark.usefixtures("folder")
def test_given_a_problem_that_is_over_when_acknowledged_then_only_with_what_would_have_caught_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert events("ack", "not_converged") == 2
    assert "not_converged is over since 2027-01-15 13:00: ack --caught-by adds" in capsys.readouterr().err
    assert answer(capsys, "ack", "not_converged", "--caught-by", "a test")["caught_by"] == "a test"
    assert answer(capsys, "--problems")["problems"][1]["state"] == "closed"


@pytest.mark.usefixtures("folder")
def test_given_a_problem_when_silenced_then_until_the_end_of_that_day(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "silence", "gate_refused", "--until", "2998-12-31")
    assert (found["state"], found["silenced_until"]) == ("silenced", "2999-01-01T00:00:00+00:00")
    assert events("silence", "gate_refused", "--until", "2998-12-31T08:30") == 0
    assert "silenced until 2998-12-31 08:30" in capsys.readouterr().out


def test_given_a_problem_when_closed_by_a_person_then_it_is_over_and_opens_again_when_it_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert events("close", "gate_refused") == 0
    assert f", closed by {getpass.getuser()}" in capsys.readouterr().out
    assert events("close", "gate_refused") == 2
    record.found(folder, kinds.GATE_REFUSED, {})
    assert answer(capsys, "--problems")["problems"][0]["openings"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ack", "drift"), "embedded has no problem 'drift'; there are: gate_refused, not_converged"),
        (("silence", "gate_refused", "--until", "soon"), "--until 'soon' is no day: write it as 2027-01-31"),
        (("silence", "gate_refused", "--until", "9999-12-31"), "--until '9999-12-31' is no day"),
        (("silence", "gate_refused", "--until", "2001-01-31"), "--until 2001-01-31 is over already"),
        (("silence", "drift", "--until", FAR), "has no problem 'drift'"),
        (("close", "drift"), "has no problem 'drift'"),
        (("silence", "gate_refused"), "Missing option '--until'"),
        (("--last", "0"), "Invalid value for '--last'"),
        (("forget", "gate_refused"), "No such command 'forget'"),
    ],
)
def test_given_what_cannot_be_done_when_typed_then_one_line_exit_code_2_and_no_event(
    folder: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert events(*arguments) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert len(log.read(folder).events) == 4
