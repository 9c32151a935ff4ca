"""Signs of life: one line per stack while it works, and while an environment is installed."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from aifactory.cli.progress import Progress
from aifactory.home import Home
from aifactory.provision import uv
from aifactory.provision.children import Children
from aifactory.provision.stacks import platform
from aifactory.provision.waves import act_in_waves
from aifactory_runtime.errors import FactoryError


def test_given_a_pipe_when_stacks_work_long_then_there_are_lines_with_seconds_and_no_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aifactory.cli.progress._EVERY_SECONDS", 0.005)
    said: list[str] = []
    living = threading.Event()

    def echo(text: str, *, err: bool) -> None:
        assert err
        said.append(text)
        if text.endswith(" s: dev (20 changes), prod (1 change) ..."):
            living.set()

    monkeypatch.setattr("click.echo", echo)
    with Progress() as progress:
        progress.told("dev", None)
        progress.told("prod", None)
        for number in range(20):
            progress(f"dev:  created Folder f{number} 0.1 s")
        progress("prod:  created Folder f 0.1 s")
        assert living.wait(30)
        progress.told("dev", 12.4)
        progress.told("prod", 13.0)

    assert said[:2] == ["dev ...", "prod ..."]
    ended = [line for line in said if not line.endswith("...")]
    assert ended == ["dev: 20 changes, 12 s", "prod: 1 change, 13 s"]
    assert not any(sign in line for line in said for sign in "\r\033\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_given_lines_that_are_no_change_when_stacks_work_then_each_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Progress() as progress:
        progress("kim's time as operator has ended")
        progress.told("shared", None)
        progress("shared:shared.json was damaged: the copy of the change before is used")
        progress.told("shared", 4.0)

    shown = [line.rpartition("\033[K")[2] for line in capsys.readouterr().err.splitlines()]
    assert "kim's time as operator has ended" in shown
    assert "shared: shared.json was damaged: the copy of the change before is used" in shown
    assert terminal or "shared: 0 changes, 4 s" in shown


def test_given_ctrl_c_when_a_stack_ends_later_then_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Progress() as progress:
        progress.told("shared", None)
        raise KeyboardInterrupt

    progress.told("shared", 7.0)

    assert capsys.readouterr().err == "shared ...\n"


def test_given_a_terminal_when_told_then_one_line_is_written_over_and_gone_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    with Progress() as progress:
        progress.told("dev", None)
        progress("dev:  created Folder a 0.1 s")
        progress("dev:  created Service with-a-long-name 0.1 s")

    told = capsys.readouterr().err
    assert "\n" not in told
    begins, first, second, last = told.split("\r\033[K")[1:]
    assert begins == "dev: begins"
    assert first == "dev: created Folder a 0.1 s"
    assert second == "dev: 2 changes, created Servi"
    assert last == ""


def test_given_a_stack_that_fails_then_it_is_told_when_it_begins_and_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(Children, "run", lambda *_: {"error": "no room"})
    with pytest.raises(FactoryError, match="no room"):
        act_in_waves(
            "up",
            [[platform("dev", Home(tmp_path), Path(sys.executable))]],
            Home(tmp_path),
            pytest.fail,
            lambda name, took: told.append((name, took is None)),
        )
    assert told == [("dev", True), ("dev", False)]


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
