"""`factory start | stop | status`: the platform's services, and what each use case serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aifactory.cli import output, standing
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory.status.overview import ServiceState
    from aifactory.targets.report import Report

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.option("--at-boot/--no-at-boot", default=None, help="Also start them whenever this machine boots, or no longer.")
@_JSON
def start(at_boot: bool | None, as_json: bool) -> None:
    """Start the platform's services, after `factory stop` or a reboot.

    A service whose port somebody else has taken is named; all others run. --at-boot writes a systemd user unit.

    Example: factory start
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    services = targets.of(place).start(place, output.say, at_boot=at_boot)
    if as_json:
        _answer_services(services)


@click.command()
@_JSON
def stop(as_json: bool) -> None:
    """Stop the platform's services. Nothing is removed; `refresh` does not call it drift.

    Example: factory stop
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    services = targets.of(place).stop(place, output.say)
    if as_json:
        _answer_services(services)


def _answer_services(services: Sequence[ServiceState]) -> None:
    """What runs now, as `status --json` says it."""
    output.answer_json({"services": [one.__dict__ for one in services]})


@click.command()
@_JSON
def status(as_json: bool) -> None:
    """Show services, and per use case and environment what is served, what ran last, open problems, quotas taken.

    In a use case's repo only its own, and first where the repo stands: its version of the factory, what an update would
    change, which of the factory's files were edited. Retired ones stay, with reason and date. Times are UTC.

    Example: factory status
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    repo = standing.of(place)
    found = targets.of(place).status(place)
    if found.nothing and not repo:
        raise FactoryError(found.nothing)
    if as_json:
        output.answer_json({**repo, **found.values})
        return
    standing.say(repo)
    if found.nothing:
        click.echo(found.nothing[0].upper() + found.nothing[1:])
        return
    _say(found)


def _say(found: Report) -> None:
    """Tables for people."""
    for table in found.tables:
        output.table(table.title, table.columns, table.rows)
    for note in found.notes:
        click.echo(f"note: {note}")
