"""`factory person add | remove | list`: people in the manifest, by persona."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory.cli import output
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory_runtime.contract import Manifest

_ENVIRONMENT = click.option(
    "--env", "environments", multiple=True, type=click.Choice(names.ENVIRONMENTS), help="Only there; repeat for more."
)
_UP = click.option("--up", "apply", is_flag=True, help="Apply it at once: factory up.")
_COMMIT = "Next: commit factory.yaml"
_PERSONA = click.Choice(names.PERSONAS)


@click.group()
def command() -> None:
    """Give people a persona, take it away, list who has which.

    Changes factory.yaml only; factory up applies it. docs/access.md says what each persona may do.

    Example: factory person add bo --as data-scientist
    """


@command.command(short_help="Make LOGIN a PERSONA.")
@click.argument("login")
@click.option("--as", "persona", required=True, type=_PERSONA, help="What they do.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of their rights, UTC.")
@_ENVIRONMENT
@_UP
def add(login: str, persona: str, until: datetime | None, environments: tuple[str, ...], apply: bool) -> None:
    """Make LOGIN a PERSONA, where that persona stands, or in the environments that are named.

    Example: factory person add bo --as data-scientist --env prod --until 2027-01-31
    """
    from aifactory.people import change, roster

    try:
        names.check_person(login)
    except ValueError as problem:
        raise UsageProblem(str(problem)) from None
    last, today = until.date() if until else None, roster.today()
    if last and last < today:
        raise UsageProblem(f"--until {last} is over already: write a day that is to come")
    path, _manifest = _manifest_here()
    entry = change.add(path, login, persona, environments=environments, until=last, today=today)
    click.echo(f"{path.name}: {entry} under people.{persona}")
    _apply(apply, environments)


@command.command(short_help="Take LOGIN out.")
@click.argument("login")
@click.option("--as", "persona", type=_PERSONA, help="Only this persona; all of them when left out.")
@_ENVIRONMENT
@_UP
def remove(login: str, persona: str | None, environments: tuple[str, ...], apply: bool) -> None:
    """Take LOGIN out: after the next `up` their logins and tokens are refused.

    Example: factory person remove bo --as data-scientist
    """
    from aifactory.people import change

    path, _manifest = _manifest_here()
    taken = change.remove(path, login, persona, environments)
    where = f" in {', '.join(environments)}" if environments else ""
    click.echo(f"{path.name}: {login} is {' and '.join(taken)} no more{where}")
    _apply(apply, environments)


@command.command("list", short_help="Show who is what, where and until when.")
@_ENVIRONMENT
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def listed(environments: tuple[str, ...], as_json: bool) -> None:
    """Show who is what, where, until when, and by which key of factory.yaml.

    Example: factory person list --env prod
    """
    from aifactory.people import roster

    _path, manifest = _manifest_here()
    lines = roster.roster(manifest, environments, roster.today())
    if as_json:
        output.answer_json([line.__dict__ for line in lines])
        return
    rows = [
        (line.login, line.role, line.environment, f"{line.until or ''}{', ended' if line.ended else ''}", line.key)
        for line in lines
    ]
    output.table("People", ("person", "role", "environment", "until", "by"), rows)


def _manifest_here() -> tuple[Path, Manifest]:
    from aifactory.provision.plan import Place
    from aifactory_runtime.config.project import MANIFEST

    place = Place.here()
    if place.repo is None or place.manifest is None:
        raise FactoryError("people belong to a use case: run this inside its repo")
    return place.repo / MANIFEST, place.manifest


def _apply(now: bool, environments: tuple[str, ...]) -> None:
    """Say what comes next, or do it: in the environments that are named, else in those that are provisioned."""
    if not now:
        click.echo(f"{_COMMIT}, and {' '.join(('factory up', *environments))}")
        return
    from aifactory.cli.environments import up
    from aifactory.provision.plan import Place

    place = Place.here()
    use_case = place.manifest.use_case if place.manifest else ""
    there = tuple(name for name in names.ENVIRONMENTS if place.home.applied(use_case, name).exists())
    click.get_current_context().invoke(
        up, environments=environments or there, with_platform=False, verbose=False, as_json=False
    )
    click.echo(_COMMIT)
