"""One line of progress per stack, in place of one per resource: how many changes so far, and the newest."""

from __future__ import annotations

import shutil
import sys
import time

import click

_EVERY_SECONDS = 10.0
"""How often, in a pipe, a stack that works on gives a sign of life."""


class Progress:
    """Takes lines `<stack>:  <what>`: in a terminal one line that is written over, in a pipe a line now and then."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._said: dict[str, float] = {}
        self._terminal = sys.stderr.isatty()

    def __call__(self, line: str) -> None:
        """Count one change of one stack."""
        stack, _, what = line.partition(":")
        count = self._counts[stack] = self._counts.get(stack, 0) + 1
        shown = f"{stack}: {count} changes, {what.strip()}" if count > 1 else f"{stack}: {what.strip()}"
        if self._terminal:
            width = shutil.get_terminal_size().columns
            click.echo(f"\r\033[K{shown[: width - 1]}", err=True, nl=False)
        elif time.monotonic() - self._said.get(stack, -_EVERY_SECONDS) >= _EVERY_SECONDS:
            self._said[stack] = time.monotonic()
            click.echo(shown, err=True)

    def end(self) -> None:
        """Leave an empty line behind in a terminal."""
        if self._terminal and self._counts:
            click.echo("\r\033[K", err=True, nl=False)
