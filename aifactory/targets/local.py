"""Operations on this machine: services under supervision, files of the home, secrets in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory import machine
from aifactory.targets.report import Report, Table
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from aifactory.home import Home
    from aifactory.local.backup import Made
    from aifactory.local.restore import Restored
    from aifactory.provision.diagnosis import Finding
    from aifactory.provision.plan import Place
    from aifactory.status.activity import Activity
    from aifactory.status.addresses import Address
    from aifactory.status.logs import Line, Wanted
    from aifactory.status.overview import ServiceState, Serving
    from aifactory.status.problems import OpenProblem
    from aifactory.targets import Say, Secret


def status(place: Place) -> Report:
    """Services, and what each use case (in a repo only its own) serves, did, found and took."""
    from aifactory.status import activity, allowance, clusters, overview, problems

    home, now = place.home, datetime.now(UTC)
    only = place.manifest.use_case if place.manifest else None
    served = overview.serving(home, only)
    found = problems.open_problems(home, now, only)
    did = [activity.of(home, one.use_case, one.environment) for one in served]
    running = overview.services(home)
    allowances = allowance.allowances(home, now, only)
    computing = clusters.clusters(home, only)
    listed = {"services": running, "problems": found.problems, "allowances": allowances, "clusters": computing}
    notes = [*overview.unasked(home, only), *(one.note for one in served if one.note), *found.unread]
    values = {name: [vars(one) for one in rows] for name, rows in listed.items()} | {
        "serving": [vars(one) | vars(more) for one, more in zip(served, did, strict=True)],
    }
    tables = [
        Table("Services", ("service", "state", "address"), [(one.name, one.state, one.address) for one in running]),
        _use_cases(served, did),
        *([_problems(found.problems)] if found.problems else []),
        Table(
            "Quotas",
            ("use case", "environment", "disk", "compute", "remark"),
            [(one.use_case, one.environment, one.disk, one.compute, one.remark) for one in allowances],
        ),
    ]
    if computing:
        columns = ("use case", "environment", "size", "state", "run", "address")
        rows = [(one.use_case, one.environment, one.size, one.state, one.runs, one.address) for one in computing]
        tables.append(Table("Clusters", columns, rows))
    return Report(tables, {**values, "notes": notes}, notes, "" if running else _nothing_provisioned(home))


def logs(place: Place, wanted: Wanted, lines: int, *, follow: bool) -> Iterator[Line]:
    """Files of services and runs."""
    from aifactory.status import logs as files

    found = files.sources(place.home, wanted)
    if not found and not follow:
        raise FactoryError(_nothing_written(place.home, wanted))
    return files.follow(place.home, wanted, lines) if follow else files.last_lines(place.home, found, lines)


def open(place: Place, page: str | None, where: str | None) -> list[Address]:
    """Pages of the home's services."""
    from aifactory.status import addresses

    return [addresses.of(place, page, where)] if page else addresses.every(place)


def doctor(place: Place) -> list[Finding]:
    """What this machine has."""
    from aifactory.provision import diagnosis

    del place
    return diagnosis.examine()


def start(place: Place, say: Say, *, at_boot: bool | None) -> Sequence[ServiceState]:
    """Start the home's services."""
    from aifactory.local import boot
    from aifactory.status import overview

    if at_boot is not None:
        say(boot.at_boot(place.home, wanted=at_boot))
    boot.start(place.home, say)
    return overview.services(place.home)


def stop(place: Place, say: Say) -> Sequence[ServiceState]:
    """Stop the home's services."""
    from aifactory.status import overview

    machine.stop(place.home)
    say("The services are stopped: factory start")
    return overview.services(place.home)


def backup(place: Place, file: Path | None, say: Say) -> Made:
    """The home as a file; without one named, a dated one beside the home."""
    from aifactory.local import backup as backups

    root = place.home.root
    beside = root.with_name(f"factory-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar.gz")
    return backups.make(place.home, (file or beside).absolute(), say)


def restore(place: Place, file: Path, say: Say, *, force: bool, start: bool) -> Restored:
    """The home from a file and, with `start`, its services; one that cannot be started is among the troubles."""
    from aifactory.local import boot
    from aifactory.local import restore as restoring
    from aifactory.provision import servers

    servers.ensure(say)
    done = restoring.restore(file.absolute(), place.home, say, force=force)
    if start:
        try:
            boot.start(place.home, say)
        except FactoryError as error:
            done.troubles.append(str(error))
    return done


def restore_state(place: Place, file: Path, stack: str, say: Say) -> Path:
    """The record of one stack from a file."""
    from aifactory.local import restore as restoring

    return restoring.restore_state(file.absolute(), place.home, stack, say)


def rotate(
    place: Place, identities: Sequence[str], environments: Sequence[str], overlap: float, say: Say
) -> list[Secret]:
    """New passwords and tokens by the engine, each written down in the audit log of its environment."""
    from aifactory.people import record, roster
    from aifactory.provision import applied, plan, rotation, servers
    from aifactory.provision.waves import act_in_waves

    if names.ANCHOR in identities:
        if len(identities) > 1 or environments:
            raise UsageProblem("anchor belongs to no environment: factory rotate anchor")
        return _rotate_anchor(place.home, say)
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
    act_in_waves("up", waves, home, say)
    rows = []
    for name, paths in asked.items():
        contract = applied.contract(home, use_case, name)
        record.access(contract, manifests[name], roster.today())
        rotation.check_done(paths)
        record.rotated(contract, sorted(set(paths.values())))
        rows += [(name, identity, str(path)) for path, identity in paths.items()]
    return rows


def _rotate_anchor(home: Home, say: Say) -> list[Secret]:
    """A new password for the identity `anchor`; each audit log of the home says so."""
    from aifactory.people import record
    from aifactory.provision import applied, plan, rotation, servers, stacks
    from aifactory.provision.waves import act_in_waves

    path = machine.anchor(home)
    if not path.exists():
        raise FactoryError(f"{home.root} has no identity anchor yet: factory up shared makes it")
    waves = [[stacks.platform(stacks.SHARED, home, servers.interpreter())]]
    plan.check(home, waves)
    rotation.ask([path], 0.0)
    act_in_waves("up", waves, home, say)
    rotation.check_done([path])
    for use_case, environment in applied.use_cases(home):
        record.rotated(applied.contract(home, use_case, environment), [names.ANCHOR])
    return [(stacks.SHARED, names.ANCHOR, str(path))]


def _use_cases(served: Sequence[Serving], did: Sequence[Activity]) -> Table:
    columns = ("use case", "environment", "pattern", "released", "served", "registry", "last run", "last batch")
    rows = [
        (
            *(one.use_case, one.environment, f"{more.problem}, {more.scoring}", one.released),
            *("retired" if more.retired else one.served, one.registry, more.last_run, more.last_batch),
            *(one.address, more.retired or one.remark),
        )
        for one, more in zip(served, did, strict=True)
    ]
    return Table("Use cases", (*columns, "address", "remark"), rows)


def _problems(found: Sequence[OpenProblem]) -> Table:
    columns = ("use case", "environment", "problem", "severity", "since", "found", "state", "owner", "what to do")
    rows = [
        (
            *(one.use_case, one.environment, one.problem, one.severity, one.since, str(one.count)),
            *(one.state, one.owner, one.what_to_do),
        )
        for one in found
    ]
    return Table("Problems", columns, rows)


def _nothing_provisioned(home: Home) -> str:
    return f"nothing is provisioned in {home.root}: factory up"


def _nothing_written(home: Home, wanted: Wanted) -> str:
    """Why there is nothing to show: of a use case that stands, neither a service nor a schedule has written yet."""
    if wanted.name is None:
        return f"there are no logs in {home.services / 'logs'} yet: factory up"
    where = f" in {wanted.environment}" if wanted.environment else ""
    if wanted.environment and not home.applied(wanted.name, wanted.environment).exists():
        return f"{wanted.name} is not in {wanted.environment} yet: factory up {wanted.environment}"
    return f"no service and no scheduled run of {wanted.name} has left a log{where} yet; factory status says what runs"
