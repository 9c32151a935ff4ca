"""Signs of life: one line per stack while it works, and while an environment is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aifactory.cli.progress import Progress
from aifactory.provision import uv
from aifactory_runtime.errors import FactoryError


def test_given_many_changes_in_a_pipe_when_told_then_a_stack_says_one_line_at_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress()

    for number in range(20):
        progress(f"dev:  created Folder f{number} 0.1 s")
        progress(f"prod:  created Folder f{number} 0.1 s")
    progress.end()

    assert capsys.readouterr().err == "dev: created Folder f0 0.1 s\nprod: created Folder f0 0.1 s\n"


def test_given_a_terminal_when_told_then_one_line_is_written_over_and_gone_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    progress = Progress()

    progress("dev:  created Folder a 0.1 s")
    progress("dev:  created Service with-a-long-name 0.1 s")
    progress.end()

    told = capsys.readouterr().err
    assert "\n" not in told
    first, second, last = told.split("\r\033[K")[1:]
    assert first == "dev: created Folder a 0.1 s"
    assert second == "dev: 2 changes, created Servi"
    assert last == ""


def test_given_a_long_install_when_it_runs_then_it_says_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "_SIGN_SECONDS", 0.05)
    said: list[str] = []

    uv._run([sys.executable, "-c", "import time; time.sleep(0.3)"], said.append)

    assert said and all("still installing" in line for line in said)


def test_given_an_install_that_fails_when_it_ends_then_its_last_line_is_the_reason(tmp_path: Path) -> None:
    script = tmp_path / "uv"
    script.write_text("#!/bin/sh\necho resolving; echo no such package >&2; exit 2\n")
    script.chmod(0o755)

    with pytest.raises(FactoryError, match=r"^uv sync failed: no such package$"):
        uv._run([str(script), "sync"], pytest.fail)
