"""What is said while a run goes on: one line at a terminal that is written over, in a pipe a line now and then."""

from __future__ import annotations

import io
import threading

import pytest

from aifactory_runtime.pipeline import progress
from aifactory_runtime.pipeline.progress import Clock


class _Stream(io.StringIO):
    """A stream that knows whether a person reads it, and when something that is still going on was shown."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.shown = threading.Event()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        if "..." in text:
            self.shown.set()
        return super().write(text)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.001)
    monkeypatch.setenv("TERM", "xterm")


def test_given_a_terminal_when_a_step_runs_then_its_name_seconds_and_detail_are_shown_and_then_gone() -> None:
    stream = _Stream(terminal=True)

    with Clock(("ingest", "train"), stream) as clock:
        clock("ingest")
        stream.shown.clear()
        progress.detail("trial 3 of 20")
        assert stream.shown.wait(30)
        stream.shown.clear()
        assert stream.shown.wait(30)
        clock("train")

    lines = stream.getvalue()
    assert "train     0 s, trial 3 of 20 ...\r" in lines
    on_screen = [line.rpartition("\x1b[K")[2] for line in lines.split("\n")]
    assert [line.split()[0] for line in on_screen if line] == ["ingest", "train"]
    assert lines.endswith("\r\x1b[K")
    assert clock.done == 2


@pytest.mark.parametrize(("terminal", "term"), [(False, "xterm"), (True, "dumb")])
def test_given_no_terminal_when_steps_run_then_a_line_for_each_that_is_done_and_nothing_else(
    terminal: bool, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    stream = _Stream(terminal)

    with Clock(("ingest", "train"), stream) as clock:
        progress.detail("trial 3 of 20")
        assert not stream.shown.wait(0.05)
        clock("ingest")

    assert "..." not in stream.getvalue(), "a quick step has one line"
    assert stream.getvalue().splitlines() == [f"ingest    {stream.getvalue().split()[1]:>6} s"]
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()


def test_given_an_error_when_a_step_fails_then_the_line_is_free_for_it() -> None:
    stream = _Stream(terminal=True)

    with pytest.raises(ValueError, match="broken"), Clock(("train",), stream):
        assert stream.shown.wait(30)
        raise ValueError("broken")

    assert stream.getvalue().endswith("\r\x1b[K")


def test_given_a_pipe_when_a_step_takes_long_then_a_line_of_its_own_says_so_without_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_PIPE_SECONDS", 0.01)
    stream = _Stream(terminal=False)

    with Clock(("train",), stream) as clock:
        progress.detail("trial 3 of 20")
        assert stream.shown.wait(30)
        clock("train")

    lines = stream.getvalue().splitlines()
    assert lines[0] == "train     0 s, trial 3 of 20 ..."
    assert lines[-1].startswith("train") and lines[-1].endswith(" s")
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
