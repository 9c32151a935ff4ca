"""The `factory` command in this process: a tenth of the cost of starting one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from aifactory.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Factory(Protocol):
    """Runs `factory ARGUMENTS` in a folder, with variables of the environment."""

    def __call__(self, *arguments: str, cwd: Path, home: Path | None = None, **variables: str) -> Done: ...


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Factory:
    """The command; what it does to the environment of the process is taken back."""

    def run(*arguments: str, cwd: Path, home: Path | None = None, **variables: str) -> Done:
        before = dict(os.environ)
        given = {**variables, **({"FACTORY_HOME": str(home)} if home else {})}
        try:
            with monkeypatch.context() as patch:
                patch.chdir(cwd)
                patch.setattr(sys, "argv", ["factory", *arguments])
                for key, value in given.items():
                    patch.setenv(key, value)
                capsys.readouterr()
                code = _code(main.main)
        finally:
            os.environ.clear()
            os.environ.update(before)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def _code(command: Callable[[], None]) -> int:
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
