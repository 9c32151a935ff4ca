"""What `factory new` asks in a terminal for what it was not told; in a pipe nothing is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click


def at_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def table() -> str | None:
    """Path or address of the table to learn from; None for the tutorial's."""
    said = click.prompt("Which table does it learn from? A path or an address; empty takes the tutorial's", default="")
    return str(said).strip() or None


def target(columns: Sequence[str], candidates: Sequence[str]) -> str:
    """The column to predict: one of `columns`, by its name or by its number among the `candidates` that are shown."""
    for number, name in enumerate(candidates, 1):
        click.echo(f"  {number}  {name}")

    def known(said: str) -> str:
        if said in columns:
            return said
        if said.isdecimal() and 1 <= int(said) <= len(candidates):
            return candidates[int(said) - 1]
        raise click.UsageError(f"the table has no column {said!r}; its number in the list, or the name of any column")

    return str(click.prompt("Which column is predicted?", value_proc=known))
