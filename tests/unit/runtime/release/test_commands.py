"""The commands of a release: versions that cannot be are refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
import pytest

from aifactory_runtime.errors import NeedsPerson
from aifactory_runtime.release import approval_question, commands, run


@pytest.mark.parametrize("number", ["0", str(2**31), "9" * 30, "x"])
@pytest.mark.parametrize("command", [["release", "--to", "staging"], ["approve", "--env", "prod", "--as", "kim"]])
def test_given_a_version_that_no_registry_has_when_asked_for_then_it_is_refused_before_anything_is_asked(
    command: list[str], number: str
) -> None:
    with pytest.raises(click.BadParameter, match=number):
        getattr(commands, command[0]).main([*command[1:], "--version", number], standalone_mode=False)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_given_a_release_that_waits_for_a_person_when_json_is_wanted_then_it_says_for_whom_and_the_code_is_the_same(
    form: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def waits(*_arguments: object) -> NoReturn:
        raise approval_question.ApprovalNeeded("waits", {"approvers": ["vera"]})

    monkeypatch.setattr(run, "release", waits)
    monkeypatch.setattr(commands, "_root", lambda: tmp_path)

    with pytest.raises(NeedsPerson):
        commands.release.main(["--to", "prod", *form], standalone_mode=False)

    assert capsys.readouterr().out == ('{"approvers": ["vera"]}\n' if form else "")
