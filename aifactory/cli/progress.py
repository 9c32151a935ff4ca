"""Signs of life of stacks: which began, how many changes so far and the newest, which ended after how many seconds."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType

import click

_EVERY_SECONDS = 10.0
"""How often, in a pipe, stacks that work on give a sign of life."""

_OF_A_CHANGE = "  "
"""What the engine's changes begin with."""


class Progress:
    """Takes changes, lines `<stack>:  <what>`, and when a stack begins and ends. Every other line is shown as it is.

    In a terminal it is one line that is written over. In a pipe a stack has a line when it begins and one when it ends;
    between these one line now and then, for all that work on.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._working: dict[str, int] = {}
        """Stacks that work, with the number of their changes."""
        self._terminal = sys.stderr.isatty()
        self._line = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Progress:
        """Begin to give signs of life."""
        if not self._terminal:
            threading.Thread(target=self._live, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave an empty line behind in a terminal."""
        del kind, error, trace
        self._over.set()
        with self._line:
            if self._terminal:
                click.echo("\r\033[K", err=True, nl=False)

    def __call__(self, line: str) -> None:
        """Count one change of one stack; what is no change is for people, in a terminal and in a pipe."""
        stack, _, what = line.partition(":")
        with self._line:
            if not what.startswith(_OF_A_CHANGE):
                clear = "\r\033[K" if self._terminal else ""
                click.echo(clear + (f"{stack}: {what.strip()}" if what else line), err=True)
                return
            count = self._working[stack] = self._working.get(stack, 0) + 1
            if self._terminal:
                self._show(f"{stack}: {count} changes, {what.strip()}" if count > 1 else f"{stack}: {what.strip()}")

    def told(self, stack: str, seconds: float | None) -> None:
        """The stack begins, or it has ended after `seconds`. After Ctrl-C that comes too late to be said."""
        with self._line:
            if self._over.is_set():
                return
            changes = self._working.pop(stack, 0)
            if seconds is None:
                self._working[stack] = 0
            if self._terminal:
                self._show(f"{stack}: {'begins' if seconds is None else 'ended'}")
            elif seconds is None:
                click.echo(f"{stack} ...", err=True)
            else:
                click.echo(f"{stack}: {_changes(changes)}, {seconds:.0f} s", err=True)

    def _live(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            with self._line:
                working = ", ".join(f"{stack} ({_changes(count)})" for stack, count in sorted(self._working.items()))
                if working and not self._over.is_set():
                    click.echo(f"{time.monotonic() - self._began:.0f} s: {working} ...", err=True)

    def _show(self, text: str) -> None:
        width = shutil.get_terminal_size().columns
        click.echo(f"\r\033[K{text[: width - 1]}", err=True, nl=False)


def _changes(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"
