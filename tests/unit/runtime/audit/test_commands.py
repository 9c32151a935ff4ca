"""`python -m <package> audit`: a whole chain, a broken one, and none."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aifactory_runtime import cli
from aifactory_runtime.audit import commands, log
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.registry.mlflow import connect
from tests.fixtures import mlflow_database
from tests.fixtures.usecase_repo import TEMPLATE
from tests.unit.runtime.release.parts import contract


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The audit folder of a repo with nothing provisioned, in which the test stands."""
    for name in ("factory.yaml", "conf/base.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((TEMPLATE / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".factory" / "embedded" / "audit"


def audit(*arguments: str) -> int | str | None:
    """Run the command; its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main("demo_case", ["audit", *arguments])
    return ended.value.code


def break_line(folder: Path, number: int) -> None:
    lines = (folder / log.FILE).read_text().splitlines()
    lines[number - 1] = lines[number - 1].replace("release", "nobody")
    (folder / log.FILE).write_text("\n".join(lines) + "\n")


def test_given_a_whole_log_when_audited_then_lines_and_head_are_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.append(folder, "released", "release", {})
    head = log.append(folder, "rolled back", "release", {})["sha256"]

    assert audit() == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"2 lines hold in embedded, head {head}; they are in {folder / log.FILE}"
    assert second.startswith("nothing of it is anchored: with nothing provisioned")


def test_given_a_rewritten_line_when_audited_then_it_is_named_and_the_exit_code_is_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(4):
        log.append(folder, "released", "release", {})
    break_line(folder, 3)

    assert audit() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "line 3 does not match its own digest: it was rewritten; the 2 lines before it hold" in told.err


@pytest.mark.parametrize("broken", [False, True])
def test_given_json_when_audited_then_the_answer_is_the_same_for_machines(
    folder: Path, broken: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    log.append(folder, "released", "release", {})
    if broken:
        break_line(folder, 1)

    assert audit("--json") == int(broken)
    found = json.loads(capsys.readouterr().out)
    assert (found["environment"], found["lines"]) == ("embedded", int(not broken))
    assert (found["problem"] is None) is not broken


def test_given_no_log_yet_when_audited_then_nothing_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit() == 0
    assert capsys.readouterr().out.startswith("0 lines hold")
    assert not folder.exists()


@pytest.fixture
def prod(folder: Path) -> Path:
    """The audit folder of prod with three lines, where the registry is an empty database."""
    tmp_path = folder.parents[2]
    mlflow_database.put(tmp_path / "mlflow.db")
    address, place = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "prod"
    uris = {"tracking_uri": address, "registry_uri": address, "artifact_uri": str(place), "audit_uri": str(place)}
    described = contract("prod", **uris).model_copy(update={"use_case": "demo-case"})
    (tmp_path / ".factory").mkdir()
    (tmp_path / ".factory" / "prod.json").write_text(described.model_dump_json())
    for _ in range(3):
        log.append(place, "released", "release", {})
    return place


def anchor(prod: Path, *numbers: int) -> None:
    """Write heads of prod's log as the identity of that name does."""
    registry = connect(EnvironmentContract.model_validate_json((prod.parent / ".factory/prod.json").read_text()), None)
    run = registry.begin_run(names.ANCHOR, "demo-case.prod", {})
    lines = log.read(prod)
    heads = {f"line-{number:010}": lines[number - 1]["sha256"] for number in numbers}
    registry.log(run, {"log": "demo-case.prod", **heads})


@pytest.mark.heavy
def test_given_anchored_heads_when_audited_then_it_is_said_how_far_and_a_cut_is_named_with_exit_code_1(
    prod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit("--env", "prod") == 0
    assert "nothing of it is anchored: the platform is of an earlier release" in capsys.readouterr().out
    anchor(prod, 2)
    assert audit("--env", "prod") == 0
    assert "anchored: up to line 2; line 3 of 20" in capsys.readouterr().out
    anchor(prod, 3)
    assert audit("--env", "prod", "--json") == 0
    said = json.loads(capsys.readouterr().out)["anchored"]
    assert said == {"line": 3, "notes": [], "problem": None, "restores": []}

    lines = (prod / log.FILE).read_text().splitlines(keepends=True)
    (prod / log.FILE).write_text("".join(lines[:2]))

    assert audit("--env", "prod") == 1
    told = capsys.readouterr()
    assert told.out.startswith("2 lines hold in prod")
    assert "line 3 was cut off: line 3 is anchored; up to line 2 it is as it was" in told.err
    assert audit("--env", "prod", "--json") == 1
    assert "cut off" in json.loads(capsys.readouterr().out)["anchored"]["problem"]


@pytest.mark.heavy
def test_given_a_line_that_should_be_anchored_by_now_when_audited_then_the_orchestrator_is_asked_after(
    prod: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor(prod, 2)
    monkeypatch.setattr(commands, "_PATIENCE", timedelta(0))
    assert audit("--env", "prod") == 0
    assert "should have been by now: factory status" in capsys.readouterr().out


@pytest.mark.heavy
def test_given_what_is_anchored_cannot_be_read_when_audited_then_it_is_no_pass(
    prod: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prod.parent / ".factory" / "prod.json"
    nobody = {"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9"}
    file.write_text(json.dumps(json.loads(file.read_text()) | nobody))

    assert audit("--env", "prod") == 1
    told = capsys.readouterr()
    assert told.out.startswith("3 lines hold in prod")
    assert "what is anchored of it cannot be compared: MLflow at http://127.0.0.1:9 does not answer" in told.err
