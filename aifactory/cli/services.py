"""`factory start | stop | status`: the platform's services, and what each use case serves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aifactory.cli import output, standing
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.home import Home


_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.option("--at-boot/--no-at-boot", default=None, help="Also start them whenever this machine boots, or no longer.")
@_JSON
def start(at_boot: bool | None, as_json: bool) -> None:
    """Start the platform's services, after `factory stop` or a reboot.

    A service whose port somebody else has taken is named; all others run. --at-boot writes a systemd user unit.

    Example: factory start
    """
    from aifactory.home import Home
    from aifactory.local import boot

    home = Home.current()
    if at_boot is not None:
        output.say(boot.at_boot(home, wanted=at_boot))
    boot.start(home, output.say)
    if as_json:
        _answer_services(home)


@click.command()
@_JSON
def stop(as_json: bool) -> None:
    """Stop the platform's services. Nothing is removed; `refresh` does not call it drift.

    Example: factory stop
    """
    from aifactory.home import Home
    from infra.providers.local import files, layout
    from infra.providers.local.supervisor import start_record
    from infra.providers.local.supervisor_client import SupervisorClient

    home = Home.current()
    if not start_record(home.root).exists():
        raise FactoryError(f"nothing is provisioned in {home.root}: factory up")
    files.write(layout.stopped_marker(home.root), "")
    SupervisorClient(home.root).stop()
    output.say("The services are stopped: factory start")
    if as_json:
        _answer_services(home)


def _answer_services(home: Home) -> None:
    """What runs now, as `status --json` says it."""
    from aifactory.status import overview

    output.answer_json({"services": [one.__dict__ for one in overview.services(home)]})


@click.command()
@_JSON
def status(as_json: bool) -> None:
    """Show services, and per use case and environment what is served, what ran last, open problems, quotas taken.

    In a use case's repo only its own, and first where the repo stands: its version of the factory, what an update would
    change, which of the factory's files were edited. Retired ones stay, with reason and date. Times are UTC.

    Example: factory status
    """
    from aifactory.provision.plan import Place
    from aifactory.status import activity, allowance, overview, problems

    place = Place.here()
    services = overview.services(place.home)
    repo = standing.of(place)
    if not services and not repo:
        raise FactoryError(f"nothing is provisioned in {place.home.root}: factory up")
    served = overview.serving(place.home, place.manifest.use_case if place.manifest else None)
    did = [activity.of(place.home, one.use_case, one.environment) for one in served]
    only = place.manifest.use_case if place.manifest else None
    now = datetime.now(UTC)
    taken = allowance.allowances(place.home, now, only)
    open_ones = problems.open_problems(place.home, now, only)
    notes = overview.unasked(place.home, only) + [one.note for one in served if one.note] + list(open_ones.unread)
    if as_json:
        both = [one.__dict__ | more.__dict__ for one, more in zip(served, did, strict=True)]
        known = {"services": [vars(one) for one in services], "serving": both}
        known |= {"problems": [vars(one) for one in open_ones.problems], "allowances": [vars(one) for one in taken]}
        output.answer_json({**repo, **known, "notes": notes})
        return
    standing.say(repo)
    if not services:
        click.echo(f"Nothing is provisioned in {place.home.root}: factory up")
        return
    output.table("Services", ("service", "state", "address"), [(s.name, s.state, s.address) for s in services])
    columns = ("use case", "environment", "pattern", "released", "served", "registry", "last run", "last batch")
    rows = [
        (
            *(one.use_case, one.environment, f"{more.problem}, {more.scoring}", one.released),
            *("retired" if more.retired else one.served, one.registry, more.last_run, more.last_batch),
            *(one.address, more.retired or one.remark),
        )
        for one, more in zip(served, did, strict=True)
    ]
    output.table("Use cases", (*columns, "address", "remark"), rows)
    if open_ones.problems:
        titles = ("use case", "environment", "problem", "severity", "since", "found", "state", "owner", "what to do")
        output.table("Problems", titles, [tuple(map(str, vars(one).values())) for one in open_ones.problems])
    allowed = [(one.use_case, one.environment, one.disk, one.compute, one.remark) for one in taken]
    output.table("Quotas", ("use case", "environment", "disk", "compute", "remark"), allowed)
    for note in notes:
        click.echo(f"note: {note}")
