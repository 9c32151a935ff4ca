"""`factory start | stop | status`: the platform's services, and what each use case serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from aifactory.cli import output, standing
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.provision.plan import Place
    from aifactory.status.activity import Activity
    from aifactory.status.allowance import Allowance
    from aifactory.status.clusters import ClusterState
    from aifactory.status.overview import ServiceState, Serving
    from aifactory.status.problems import OpenProblem


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

    place = Place.here()
    repo = standing.of(place)
    found = _look(place)
    if not found.services and not repo:
        raise FactoryError(f"nothing is provisioned in {place.home.root}: factory up")
    if as_json:
        output.answer_json({**repo, **found.values()})
        return
    standing.say(repo)
    if not found.services:
        click.echo(f"Nothing is provisioned in {place.home.root}: factory up")
        return
    _say(found)


@dataclass(frozen=True)
class _Found:
    """What runs and what is served, seen from one place; `did` has an entry for each of `served`."""

    services: Sequence[ServiceState]
    served: Sequence[Serving]
    did: Sequence[Activity]
    problems: Sequence[OpenProblem]
    allowances: Sequence[Allowance]
    clusters: Sequence[ClusterState]
    notes: Sequence[str]

    def values(self) -> dict[str, Any]:
        """As JSON."""
        serving = [vars(one) | vars(more) for one, more in zip(self.served, self.did, strict=True)]
        listed = {
            "services": self.services,
            "problems": self.problems,
            "allowances": self.allowances,
            "clusters": self.clusters,
        }
        return {name: [vars(one) for one in rows] for name, rows in listed.items()} | {
            "serving": serving,
            "notes": list(self.notes),
        }


def _look(place: Place) -> _Found:
    from aifactory.status import activity, allowance, clusters, overview, problems

    only, now = place.manifest.use_case if place.manifest else None, datetime.now(UTC)
    served = overview.serving(place.home, only)
    open_ones = problems.open_problems(place.home, now, only)
    remarks = [one.note for one in served if one.note]
    return _Found(
        services=overview.services(place.home),
        served=served,
        did=[activity.of(place.home, one.use_case, one.environment) for one in served],
        problems=open_ones.problems,
        allowances=allowance.allowances(place.home, now, only),
        clusters=clusters.clusters(place.home, only),
        notes=[*overview.unasked(place.home, only), *remarks, *open_ones.unread],
    )


def _say(found: _Found) -> None:
    """Tables for people."""
    services = [(one.name, one.state, one.address) for one in found.services]
    output.table("Services", ("service", "state", "address"), services)
    columns = ("use case", "environment", "pattern", "released", "served", "registry", "last run", "last batch")
    rows = [
        (
            *(one.use_case, one.environment, f"{more.problem}, {more.scoring}", one.released),
            *("retired" if more.retired else one.served, one.registry, more.last_run, more.last_batch),
            *(one.address, more.retired or one.remark),
        )
        for one, more in zip(found.served, found.did, strict=True)
    ]
    output.table("Use cases", (*columns, "address", "remark"), rows)
    if found.problems:
        titles = ("use case", "environment", "problem", "severity", "since", "found", "state", "owner", "what to do")
        listed = [
            (
                *(one.use_case, one.environment, one.problem, one.severity, one.since, str(one.count)),
                *(one.state, one.owner, one.what_to_do),
            )
            for one in found.problems
        ]
        output.table("Problems", titles, listed)
    taken = [(one.use_case, one.environment, one.disk, one.compute, one.remark) for one in found.allowances]
    output.table("Quotas", ("use case", "environment", "disk", "compute", "remark"), taken)
    if found.clusters:
        there = [(one.use_case, one.environment, one.size, one.state, one.runs, one.address) for one in found.clusters]
        output.table("Clusters", ("use case", "environment", "size", "state", "run", "address"), there)
    for note in found.notes:
        click.echo(f"note: {note}")
