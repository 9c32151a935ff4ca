"""`factory rotate`: new passwords and tokens for the identities of a use case."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from aifactory.cli import output
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.providers.local.rotation_mark import MOST_OVERLAP_SECONDS

if TYPE_CHECKING:
    from aifactory.home import Home


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
    type=click.FloatRange(0, MOST_OVERLAP_SECONDS),
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
    from aifactory.people import record, roster
    from aifactory.provision import applied, plan, rotation, servers
    from aifactory.provision.waves import act_in_waves

    place = plan.Place.here()
    if names.ANCHOR in identities:
        if len(identities) > 1 or environments:
            raise UsageProblem("anchor belongs to no environment: factory rotate anchor")
        _answer(_anchor(place.home), as_json)
        return
    if place.repo is None or place.manifest is None:
        raise FactoryError("rotate belongs to a use case: run this inside its repo")
    home, use_case = place.home, place.manifest.use_case
    manifests = rotation.manifests(home, use_case, environments or names.ENVIRONMENTS)
    missing = [name for name in environments or () if name not in manifests]
    if missing or not manifests:
        what = ", ".join(missing) or "any environment"
        raise FactoryError(f"{what} of {use_case} is not provisioned: factory up {' '.join(missing)}".rstrip())
    asked = rotation.secrets(home, use_case, manifests, identities)
    waves = [rotation.wave(home, {name: manifests[name] for name in asked}, servers.interpreter())]
    plan.check(home, waves)
    for paths in asked.values():
        rotation.ask(paths, overlap)
    act_in_waves("up", waves, home, output.say)
    rows = []
    for name, paths in asked.items():
        contract = applied.contract(home, use_case, name)
        record.access(contract, manifests[name], roster.today())
        rotation.check_done(paths)
        record.rotated(contract, sorted(set(paths.values())))
        rows += [(name, identity, str(path)) for path, identity in paths.items()]
    _answer(rows, as_json)


def _anchor(home: Home) -> list[tuple[str, str, str]]:
    """A new password for the identity `anchor`; each audit log of the home says so."""
    from aifactory.people import record
    from aifactory.provision import applied, plan, rotation, servers, stacks
    from aifactory.provision.waves import act_in_waves
    from infra.providers.local import layout

    path = layout.anchor(home.root)
    if not path.exists():
        raise FactoryError(f"{home.root} has no identity anchor yet: factory up shared makes it")
    waves = [[stacks.platform(stacks.SHARED, home, servers.interpreter())]]
    plan.check(home, waves)
    rotation.ask([path], 0.0)
    act_in_waves("up", waves, home, output.say)
    rotation.check_done([path])
    for use_case, environment in applied.use_cases(home):
        record.rotated(applied.contract(home, use_case, environment), [names.ANCHOR])
    return [(stacks.SHARED, names.ANCHOR, str(path))]


def _answer(rows: list[tuple[str, str, str]], as_json: bool) -> None:
    columns = ("environment", "identity", "file")
    if as_json:
        output.answer_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    output.table("New secrets", columns, rows)
