"""`factory logs`: what services and runs wrote."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aifactory.cli import output

if TYPE_CHECKING:
    from aifactory.status.logs import Line


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
    from aifactory import targets
    from aifactory.provision.plan import Place
    from aifactory.status.logs import Wanted

    place = Place.here()
    wanted = Wanted(name or (place.manifest.use_case if place.manifest else None), environment)
    with contextlib.suppress(KeyboardInterrupt):
        _print(targets.of(place).logs(place, wanted, lines, follow=follow), as_json)


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
