"""`python -m <package> upgrade`: bring the owner's files to what this release expects, or say what is due."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from aifactory_runtime.config import project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.upgrades import answered_target, markers, steps


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when an upgrade is due.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def upgrade(check: bool, as_json: bool) -> None:
    """Bring factory.yaml, conf/ and pyproject.toml to what this release expects; what you wrote there stays.

    `factory update` does it by itself. After `copier update`, or an update by Renovate, it is yours to call.

    Example: upgrade --check
    """
    repo = project.find_root(Path.cwd())
    for wrong in (markers.due(repo), answered_target.due(repo)):
        if wrong is not None:
            raise FactoryError(wrong)
    found = steps.look(repo) if check else steps.apply(repo)
    if check and found.due:
        raise FactoryError(f"an upgrade is due: {'; '.join(found.due)}. Type make upgrade, then commit")
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
        return
    for sentence in found.due:
        click.echo(f"upgraded: {sentence}")
    for sentence in found.reminders:
        click.echo(f"note: {sentence}")
    if not found.due:
        click.echo("nothing is due")
