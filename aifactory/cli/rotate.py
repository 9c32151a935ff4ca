"""`factory rotate`: new passwords and tokens for the identities of a use case."""

from __future__ import annotations

import math

import click

from aifactory import machine
from aifactory.cli import output
from aifactory_runtime.contract import names


def _finite(_context: click.Context, _parameter: click.Parameter, seconds: float) -> float:
    """A range lets nan pass: it is neither below nor above anything."""
    if math.isnan(seconds):
        raise click.BadParameter("nan is not a number of seconds.")
    return seconds


@click.command()
@click.argument("identities", metavar="[IDENTITY]...", nargs=-1)
@click.option(
    "--env", "environments", multiple=True, type=click.Choice(names.ENVIRONMENTS), help="Only there; repeat for more."
)
@click.option(
    "--overlap",
    type=click.FloatRange(0, machine.most_overlap_seconds()),
    callback=_finite,
    default=60.0,
    show_default=True,
    help="Seconds for which the scoring service takes an old token too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(identities: tuple[str, ...], environments: tuple[str, ...], overlap: float, as_json: bool) -> None:
    """Give IDENTITY new secrets: people by login, release, service, consumer; all of these when none is named.

    Without --env wherever IDENTITY has some. Passwords of the tracking server are new at once. Who holds a token reads
    the new one from the same file. Between pipeline runs: a run that began with the old password is refused.

    capture-key adds a key for hashes of recorded columns; services take it with their next model or start. anchor is
    the home's, which writes the heads of audit logs: name it alone, anywhere.

    Example: factory rotate consumer --env prod
    """
    from aifactory import targets
    from aifactory.provision.plan import Place

    place = Place.here()
    _answer(targets.of(place).rotate(place, identities, environments, overlap, output.say), as_json)


def _answer(rows: list[tuple[str, str, str]], as_json: bool) -> None:
    columns = ("environment", "identity", "file")
    if as_json:
        output.answer_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    output.table("New secrets", columns, rows)
