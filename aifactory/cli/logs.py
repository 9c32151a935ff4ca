"""`factory logs`: what services and runs wrote."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aifactory.cli import output
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.status.logs import Line, Wanted


@click.command()
@click.argument("name", metavar="[SERVICE|USE-CASE]", required=False)
@click.option("--env", "environment", help="dev, staging or prod, of a use case.")
@click.option("--follow", "-f", is_flag=True, help="Go on as lines are written; ^C ends it.")
@click.option("--lines", "-n", type=click.IntRange(0), default=30, show_default=True, help="Last lines of each log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(name: str | None, environment: str | None, follow: bool, lines: int, as_json: bool) -> None:
    """Show the logs of a service, or of a use case: its scoring services and its scheduled runs.

    Without a name: in a use case's repo its own, elsewhere the platform's services. Passwords and tokens are masked.

    Example: factory logs churn --env prod --follow
    """
    from aifactory.provision.plan import Place
    from aifactory.status import logs

    place = Place.here()
    wanted = logs.Wanted(name or (place.manifest.use_case if place.manifest else None), environment)
    found = logs.sources(place.home, wanted)
    if not found and not follow:
        raise FactoryError(_nothing_yet(place.home, wanted))
    shown = logs.follow(place.home, wanted, lines) if follow else logs.last_lines(place.home, found, lines)
    with contextlib.suppress(KeyboardInterrupt):
        _print(shown, as_json)


def _nothing_yet(home: Home, wanted: Wanted) -> str:
    """Why there is nothing to show: of a use case that stands, neither a service nor a schedule has written yet."""
    if wanted.name is None:
        return f"there are no logs in {home.services / 'logs'} yet: factory up"
    where = f" in {wanted.environment}" if wanted.environment else ""
    if wanted.environment and not home.applied(wanted.name, wanted.environment).exists():
        return f"{wanted.name} is not in {wanted.environment} yet: factory up {wanted.environment}"
    return f"no service and no scheduled run of {wanted.name} has left a log{where} yet; factory status says what runs"


def _print(lines: Iterable[Line], as_json: bool) -> None:
    """Lines under the name of their log, said whenever it changes."""
    before = None
    for line in lines:
        if as_json:
            click.echo(json.dumps(asdict(line)))
            continue
        if line.source != before:
            output.heading(line.source)
            before = line.source
        click.echo(line.line)
