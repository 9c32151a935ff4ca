"""The option `--env` of a repo's commands, and the contract of the environment that it chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config.environment import FOLDER
from aifactory_runtime.contract import names

if TYPE_CHECKING:
    from aifactory_runtime.config.project import Project
    from aifactory_runtime.contract import EnvironmentContract

ENVIRONMENTS = click.Choice((names.EMBEDDED, *names.ENVIRONMENTS))
PROVISIONED = click.Choice(names.ENVIRONMENTS)
"""Where people have logins, so that they can approve."""
environment = click.option(
    "--env",
    "environment",
    type=ENVIRONMENTS,
    default=None,
    help="Environment; AIFACTORY_ENV by default, else embedded.",
)
"""For commands that take what the repo runs against when nothing is said."""
person = click.option("--as", "person", default=None, help="Who does it; default is the environment's own identity.")
"""For what is written down with who did it; `credentials.login_of` reads their login."""


def contract_of(environment: str | None) -> EnvironmentContract:
    """The environment that is meant, of the repo that the command is typed in; see `project_of`."""
    return project_of(environment).environment.contract


def project_of(environment: str | None) -> Project:
    """The repo that the command is typed in, against the environment that is meant; UsageProblem when there is none.

    Where nobody named one and the repo has been provisioned, it is said of which one the command speaks.
    """
    from aifactory_runtime.config import project

    root = project.find_root(Path.cwd())
    found = project.load(root, environment)
    others = [name for name in names.ENVIRONMENTS if (root / FOLDER / f"{name}.json").exists()]
    if environment is None and found.environment.contract.environment == names.EMBEDDED and others:
        click.echo(
            f"this speaks of embedded, what the repo did with nothing provisioned; for {' or '.join(others)} name it: "
            f"--env {others[-1]}, or AIFACTORY_ENV={others[-1]} before the command",
            err=True,
        )
    return found
