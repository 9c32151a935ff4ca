"""`factory release | approve | certify | rollback | trace | audit`: commands of the repo, run by its interpreter."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from aifactory_runtime.contract import Manifest

_PASS_ON = {"ignore_unknown_options": True}
_HELP = {"-h", "--help"}


def _command(name: str, does: str, example: str) -> click.Command:
    """Command that hands everything on, `--help` included; outside a repo it shows the options of its own runtime."""
    text = f"{does}\n\nRuns `python -m <package> {name}` of the repo you stand in.\n\nExample: {example}"

    @click.command(name, help=text, context_settings=_PASS_ON, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def passed_on(context: click.Context, arguments: tuple[str, ...]) -> None:
        from aifactory.provision.plan import Place

        if _HELP & set(arguments) and Place.here().repo is None:
            click.echo(_help(context, name))
            return
        run_in_repo(name, arguments)

    return passed_on


def _help(context: click.Context, name: str) -> str:
    """What the command does, with the options that it has in a repo of this version."""
    from aifactory_runtime.command_line import COMMANDS

    module, _, attribute = COMMANDS[name].partition(":")
    its_own: click.Command = getattr(importlib.import_module(module), attribute)
    formatter = context.make_formatter()
    context.command.format_help_text(context, formatter)
    with formatter.section("Options"):
        shown = (option.get_help_record(context) for option in its_own.params if isinstance(option, click.Option))
        formatter.write_dl([record for record in shown if record])
    return f"Usage: factory {name} {' '.join(its_own.collect_usage_pieces(context))}\n\n{formatter.getvalue()}".rstrip()


release = _command("release", "Move a model to an environment.", "factory release --to staging")
approve = _command("approve", "Approve a release as a named person.", "factory approve --env prod --as vera")
certify = _command("certify", "Certify the gate as a model validator.", "factory certify --env prod --as vera")
rollback = _command("rollback", "Go back to the previous champion.", "factory rollback --env prod")
trace = _command("trace", "From a prediction id back to model, run, commit and data.", "factory trace ID --env prod")
audit = _command("audit", "Verify the chain of the audit log.", "factory audit --env prod")


def run_in_repo(name: str, arguments: tuple[str, ...]) -> NoReturn:
    """Replace this process by `python -m <package> NAME ...` in the repo's environment."""
    from aifactory_runtime.config import layout

    repo, manifest, python = place_and_python(name)
    os.chdir(repo)
    sys.stdout.flush()
    variables = {**os.environ, "PYTHONPATH": layout.python_path(repo)}
    os.execve(python, [str(python), "-m", manifest.package, name, *arguments], variables)  # noqa: S606


def place_and_python(name: str) -> tuple[Path, Manifest, Path]:
    """The repo that the command `name` is typed in, its manifest and its interpreter; FactoryError without them."""
    from aifactory.provision.plan import Place
    from aifactory_runtime.errors import FactoryError

    place = Place.here()
    if place.repo is None or place.manifest is None:
        raise FactoryError(f"{name} belongs to a use case: run this inside its repo")
    python = place.repo / ".venv" / "bin" / "python"
    if not python.exists():
        raise FactoryError("this repo has no environment yet: make setup")
    return place.repo, place.manifest, python
