"""`python -m <package> audit`: a whole chain, a broken one, and none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime import cli
from aifactory_runtime.audit import log
from tests.fixtures.usecase_repo import TEMPLATE


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
    assert capsys.readouterr().out == f"2 lines hold in embedded, head {head}; they are in {folder / log.FILE}\n"


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
