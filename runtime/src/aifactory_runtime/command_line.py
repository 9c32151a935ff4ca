"""The command line of a repo: a table of subcommands, each imported when it is used; errors in one line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

from aifactory_runtime import garbage, streams
from aifactory_runtime.config import network
from aifactory_runtime.errors import FactoryError, NeedsPerson

COMMANDS = {
    "run": "aifactory_runtime.pipeline.commands:run",
    "ingest": "aifactory_runtime.pipeline.commands:ingest",
    "validate": "aifactory_runtime.pipeline.commands:validate",
    "prepare": "aifactory_runtime.pipeline.commands:prepare",
    "train": "aifactory_runtime.pipeline.commands:train",
    "evaluate": "aifactory_runtime.pipeline.commands:evaluate",
    "register": "aifactory_runtime.pipeline.commands:register",
    "import-model": "aifactory_runtime.pipeline.model_commands:import_model",
    "reproduce": "aifactory_runtime.pipeline.model_commands:reproduce",
    "score": "aifactory_runtime.pipeline.commands:score",
    "serve": "aifactory_runtime.serving.commands:serve",
    "release": "aifactory_runtime.release.commands:release",
    "approve": "aifactory_runtime.release.commands:approve",
    "rollback": "aifactory_runtime.release.commands:rollback",
    "trace": "aifactory_runtime.release.commands:trace",
    "audit": "aifactory_runtime.audit.commands:audit",
    "config": "aifactory_runtime.config.commands:config",
}
"""Name to `module:attribute` of a click command, in the order a use case meets them."""


class _Lazy(click.Group):
    """Imports a subcommand's module when it is asked for, so that starting one does not pay for all."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found


@click.group(cls=_Lazy)
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
def _group(debug: bool) -> None:
    """Run the pipeline of this use case, release its model, and ask where a prediction came from.

    Exit codes: 0 done, 1 failed, 2 usage, 3 needs a person, 130 interrupted.
    """
    del debug


def main(package: str, arguments: list[str] | None = None) -> None:
    """Run the command line of the use case whose science is in `package`, and exit; KeyboardInterrupt for Ctrl-C."""
    streams.open_closed()
    garbage.seldom()
    network.settle(os.environ)
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given or bool(os.environ.get("AIFACTORY_DEBUG"))
    try:
        _traced(package, [one for one in given if one != "--debug"], debug)
    except NeedsPerson as waiting:
        click.echo(str(waiting), err=True)
        sys.exit(waiting.exit_code)
    except FactoryError as error:
        _fail(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        sys.exit(1)  # whoever read the answer has gone
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}: see its place, rights and space (--debug shows where)", 1)
    except Exception as error:  # the last resort: people get a line, --debug gives the traceback
        _fail(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]} (--debug shows where)", 1)


def _traced(package: str, arguments: list[str], debug: bool) -> None:
    """Run, and with `debug` show the traceback of a failure before it becomes a line and an exit code."""
    try:
        _run(package, arguments)
    except Exception:
        if debug:
            traceback.print_exc()
        raise


def _run(package: str, arguments: list[str]) -> None:
    result: Any = _group.main(arguments, prog_name=f"python -m {package}", standalone_mode=False)
    sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)
