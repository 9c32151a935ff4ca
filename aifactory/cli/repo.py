"""`factory release | approve | rollback | trace`: the same commands of the repo, run by the repo's own interpreter."""

from __future__ import annotations

import os
import sys

import click

_PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


def _command(name: str, help_text: str) -> click.Command:
    @click.command(name, help=help_text, context_settings=_PASS_ON, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def passed_on(arguments: tuple[str, ...]) -> None:
        _run_in_repo(name, arguments)

    return passed_on


release = _command("release", "Move a model to an environment. Example: factory release --to staging")
approve = _command("approve", "Approve a release. Example: factory approve --env prod --as vera")
rollback = _command("rollback", "Go back to the previous champion. Example: factory rollback --env prod")
trace = _command("trace", "From a prediction id back to data. Example: factory trace ID --env prod")


def _run_in_repo(name: str, arguments: tuple[str, ...]) -> None:
    """Replace this process by `python -m <package> NAME ...` in the repo's environment."""
    from aifactory.provision.plan import Place
    from aifactory_runtime.errors import FactoryError

    place = Place.here()
    if place.repo is None or place.manifest is None:
        raise FactoryError(f"{name} belongs to a use case: run this inside its repo")
    python = place.repo / ".venv" / "bin" / "python"
    if not python.exists():
        raise FactoryError("this repo has no environment yet: make setup")
    os.chdir(place.repo)
    sys.stdout.flush()
    variables = {**os.environ, "PYTHONPATH": str(place.repo / "src")}
    os.execve(python, [str(python), "-m", place.manifest.package, name, *arguments], variables)  # noqa: S606
