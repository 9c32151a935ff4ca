"""Printing: plain lines in a pipe, tables and colour in a terminal, JSON for machines. Imports rich only to draw."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click


def say(line: str) -> None:
    """Progress, on standard error, so that standard output stays the answer."""
    click.echo(line, err=True)


def answer_json(content: Any) -> None:
    """The answer for machines."""
    click.echo(json.dumps(content, indent=2, default=str))


def heading(text: str) -> None:
    """A line that names what follows."""
    click.echo(f"==> {text} <==")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under column names: drawn in a terminal, in a pipe a heading and aligned columns."""
    if not sys.stdout.isatty():
        lines = [[column.upper() for column in columns], *rows]
        widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
        for line in lines:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        click.echo()
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", show_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    # Cells are names and reasons as they are: `rate [kg]` and `:key:` say nothing to rich.
    Console(markup=False, emoji=False).print(drawn)
