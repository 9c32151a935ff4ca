"""What the factory's command lines have in common: commands imported on use, help in groups, errors in one line."""

from __future__ import annotations

import difflib
import importlib
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from aifactory_runtime import garbage, interrupt, streams, threads
from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError

PREFIX = "factory: "
"""What every failure begins with."""
_FAILED, _USAGE = 1, 2


@dataclass(frozen=True)
class Entry:
    """A command that is imported when it is called: `module:attribute`, and its line in the help."""

    target: str
    summary: str

    def load(self) -> click.Command:
        """The command, imported now."""
        module, _, attribute = self.target.partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found


class LazyGroup(click.Group):
    """Group of entries under headings; its help and the shell's completion import none of them."""

    sections: Mapping[str, Mapping[str, Entry]] = {}

    def entries(self) -> dict[str, Entry]:
        """Every entry by its name, in the order of the help."""
        return {name: entry for section in self.sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order people meet them."""
        del ctx
        return list(self.entries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of that name."""
        del ctx
        entry = self.entries().get(cmd_name)
        return entry.load() if entry else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; one that is not there is refused with those that are spelled much like it."""
        name = args[0]
        if name in self.entries() or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.entries(), cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(f"No such command {name!r}.{meant}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the entries under their headings."""
        del ctx
        width = max((len(name) for name in self.entries()), default=0)
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names that begin like that, each with its line; options come from click."""
        found = self.entries().items()
        names = [CompletionItem(name, help=entry.summary) for name, entry in found if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def lazy_group(sections: Mapping[str, Mapping[str, Entry]]) -> type[LazyGroup]:
    """A group class with these entries."""
    return type("Group", (LazyGroup,), {"sections": sections})


def run(group: click.Group, arguments: Sequence[str], program: str, sentences: frozenset[str] = frozenset()) -> int:
    """Run the command line to its end; its exit code: 0 done, 1 failed, 2 usage, 3 needs a person, 130 stopped.

    A failure is one line on standard error; Ctrl-C stays KeyboardInterrupt, for `interrupt` to tell. `--debug`,
    wherever it stands, shows the traceback. `sentences` names classes of foreign errors whose message is for people.
    """
    streams.open_closed()
    garbage.seldom()
    threads.sleep_while_waiting()
    network.settle(os.environ)
    debug = "--debug" in arguments or bool(os.environ.get("AIFACTORY_DEBUG"))
    try:
        Path.cwd()
    except FileNotFoundError:
        return _told("the current folder is gone: cd to one that is there", _USAGE)
    try:
        given = [one for one in arguments if one != "--debug"]
        result: Any = group.main(given, prog_name=program, standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        return _FAILED  # whoever read the answer has gone
    except Exception as error:
        if interrupt.pressed():
            raise KeyboardInterrupt from None
        if debug and not isinstance(error, click.ClickException):
            traceback.print_exc()
        return _explain(error, sentences)
    return result if isinstance(result, int) else 0


def _explain(error: Exception, sentences: frozenset[str]) -> int:
    """Say what is wrong in one line; the exit code."""
    if isinstance(error, FactoryError):
        return _told(str(error), error.exit_code)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        if context is not None:
            click.echo(context.get_usage(), err=True)
            click.echo(f"Try '{context.command_path} --help' for help.", err=True)
        return _told(error.format_message(), _USAGE)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _told(
            f"{where}{error.strerror or error}: see its place, rights and space (--debug shows where)", _FAILED
        )
    if type(error).__name__ in sentences:
        return _told(str(error), _FAILED)
    first = str(error).strip().partition("\n")[0]
    places = "".join(f"{note}; " for note in getattr(error, "__notes__", ()))
    return _told(f"unexpected {type(error).__name__}: {first} ({places}--debug shows where)", _FAILED)


def _told(message: str, code: int) -> int:
    click.echo(f"{PREFIX}{message}", err=True)
    return code
