"""The `factory` command: a lazy table of commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from aifactory_runtime import garbage, streams
from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError

# name -> module:attribute; nothing is imported until it is called or asked for help.
_COMMANDS = {
    "new": "aifactory.cli.new:command",
    "sample": "aifactory.cli.sample:command",
    "up": "aifactory.cli.environments:up",
    "preview": "aifactory.cli.environments:preview",
    "refresh": "aifactory.cli.environments:refresh",
    "outputs": "aifactory.cli.environments:outputs",
    "destroy": "aifactory.cli.environments:destroy",
    "retire": "aifactory.cli.environments:retire",
    "start": "aifactory.cli.services:start",
    "stop": "aifactory.cli.services:stop",
    "status": "aifactory.cli.services:status",
    "logs": "aifactory.cli.logs:command",
    "open": "aifactory.cli.addresses:command",
    "config": "aifactory.cli.config:command",
    "backup": "aifactory.cli.backups:backup",
    "restore": "aifactory.cli.backups:restore",
    "person": "aifactory.cli.person:command",
    "rotate": "aifactory.cli.rotate:command",
    "doctor": "aifactory.cli.doctor:command",
    "release": "aifactory.cli.repo:release",
    "approve": "aifactory.cli.repo:approve",
    "rollback": "aifactory.cli.repo:rollback",
    "trace": "aifactory.cli.repo:trace",
    "audit": "aifactory.cli.repo:audit",
}

_SUMMARIES = {
    "new": "Make a use case's repo from the template.",
    "sample": "Make data/sample.csv again from the table (in a use case's repo).",
    "up": "Provision environments: of the use case whose repo this is, elsewhere of the platform.",
    "preview": "Show what `up` would change.",
    "refresh": "Compare what is applied with what runs; exit 3 and names on drift.",
    "outputs": "Print the environment contract as JSON, dotenv or GitHub environment.",
    "destroy": "Remove environments and everything in them.",
    "retire": "Stop a use case and keep all it made; says why in status.",
    "start": "Start the platform's services after a stop or a reboot.",
    "stop": "Stop the platform's services; nothing is removed.",
    "status": "Show environments, services and what is served.",
    "logs": "Show what services and runs wrote.",
    "open": "Open MLflow, Dagster or a scoring service's docs; prints the address and which login to use.",
    "config": "Print every value in use; with --explain where it came from.",
    "backup": "Write a consistent copy of FACTORY_HOME to a file; services go on.",
    "restore": "Make FACTORY_HOME from a backup and start its services.",
    "person": "Give people a persona, take it away, list who has which.",
    "rotate": "New passwords and tokens for the identities of a use case.",
    "doctor": "Say what is installed, what is missing and the one command that mends it.",
    "release": "Move a model to an environment (in a use case's repo).",
    "approve": "Approve a release as a named person (in a use case's repo).",
    "rollback": "Go back to the previous champion (in a use case's repo).",
    "trace": "From a prediction id back to model, run, commit and data (in a use case's repo).",
    "audit": "Verify the chain of the audit log (in a use case's repo).",
}


_SENTENCES = {"Failure", "Unreachable"}
"""Errors of the provider for this machine whose message is written for people; named, so that nothing is imported."""

_INTERRUPTED = 130
"""What shells expect after ^C; the repo's commands end with it too."""


class LazyGroup(click.Group):
    """Click group whose commands are imported when they are called; `factory --help` imports none of them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names in the order people meet them."""
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, so that help stays instant."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="aifactory", prog_name="factory")
def factory(debug: bool) -> None:
    """Run machine learning as a factory.

    \b
    factory new churn --data sample:breast-cancer    a working repo
    factory up dev --platform                        its environment on this machine
    """  # noqa: D301 (click reads the backspace as "keep these lines")
    del debug  # read from the arguments by main, wherever it stands


def main() -> None:
    """Entry point: run the command, print one line per failure, exit as documented (0, 1, 2, 3, 130)."""
    streams.open_closed()
    garbage.seldom()
    network.settle(os.environ)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        Path.cwd()
    except FileNotFoundError:
        _fail("the current folder is gone: cd to one that is there", 2, debug)
    try:
        code: Any = factory.main(arguments, standalone_mode=False)
    except FactoryError as error:
        _fail(str(error), error.exit_code, debug)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; run the same command again to go on", _INTERRUPTED, debug)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}: see its place, rights and space (--debug shows where)", 1, debug)
    except Exception as error:
        if type(error).__name__ in _SENTENCES:
            _fail(str(error), 1, debug)
        first = str(error).partition("\n")[0]
        _fail(f"unexpected {type(error).__name__}: {first} (--debug shows where)", 1, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    click.echo(f"factory: {message}", err=True)
    sys.exit(code)
