"""The option `--env` of a repo's commands, and the contract of the environment that it chooses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.contract import names

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract

ENVIRONMENTS = click.Choice((names.EMBEDDED, *names.ENVIRONMENTS))
PROVISIONED = click.Choice(names.ENVIRONMENTS)
"""Where people have logins, so that they can approve."""
environment = click.option(
    "--env", "environment", type=ENVIRONMENTS, default=None, help="Environment; default is AIFACTORY_ENV."
)
"""For commands that take what the repo runs against when nothing is said."""


def contract_of(environment: str | None) -> EnvironmentContract:
    """The environment that is meant, of the repo that the command is typed in; UsageProblem when there is none."""
    from aifactory_runtime.config import project

    return project.load(project.find_root(Path.cwd()), environment).environment.contract
