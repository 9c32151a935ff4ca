"""Tables as they are printed: a terminal and a pipe show the same cells."""

from __future__ import annotations

import sys

import pytest

from aifactory.cli import output

CELLS = ("rate [kg]", "a[/b]", ":key:", "back\\", "[bold]")


@pytest.mark.parametrize("terminal", [True, False])
def test_given_cells_that_look_like_markup_when_printed_then_they_are_shown_as_they_are(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "120")

    output.table("Table [kg]", ("column [/x]", *"bcde"), [CELLS])

    printed = capsys.readouterr().out
    assert all(cell in printed for cell in CELLS), printed
    assert "column [/x]" in printed or "COLUMN [/X]" in printed
    assert ("Table [kg]" in printed) is terminal
