"""`python -m <package> config`: lines for eyes in a terminal, for programs in a pipe."""

from __future__ import annotations

import sys

import pytest

from aifactory_runtime.config import commands

VALUES = {"use_case": "churn", "train.seed": 7}
ORIGINS = {"use_case": "factory.yaml", "train.seed": "default"}


def test_given_a_terminal_when_explained_then_the_columns_stand_below_one_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    commands._print(VALUES, ORIGINS, as_json=False)

    assert capsys.readouterr().out == "use_case    churn  (factory.yaml)\ntrain.seed  7      (default)\n"


def test_given_a_pipe_when_explained_then_a_tab_parts_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    commands._print(VALUES, ORIGINS, as_json=False)

    assert capsys.readouterr().out == "use_case\tchurn\t(factory.yaml)\ntrain.seed\t7\t(default)\n"
