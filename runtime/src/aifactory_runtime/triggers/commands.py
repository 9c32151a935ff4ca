"""`python -m <package> tick | due | retrain | requests`: what the schedule calls, and what people ask and decide."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from aifactory_runtime.triggers.here import Here
    from aifactory_runtime.triggers.request import Request

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_MINUTES = "%Y-%m-%d %H:%M"


@click.command()
@click.option("--calendar", is_flag=True, help="The schedule of factory.yaml names this minute: ask for a training.")
@_json
def tick(calendar: bool, as_json: bool) -> int:
    """Do what is due here: look for what asks for a training, decide, train, release, and keep things in order.

    The orchestrator calls it when something may be due; killed anywhere, the next one goes on. Exit code 1 when a chore
    failed.

    Example: tick
    """
    from aifactory_runtime import stdout
    from aifactory_runtime.triggers import tick as ticks

    with stdout.kept(as_json):
        report = ticks.tick(_root(), _say, calendar=calendar)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        for line in _lines(report.done, report.waiting, report.busy):
            click.echo(line)
    for line in report.failures:
        click.echo(f"factory: {line}", err=True)
    return 1 if report.failures else 0


@click.command()
@options.environment
def due(environment: str | None) -> None:
    """Print a JSON line for each request that would be trained now, and nothing when none would; for CI.

    Nothing is written. What waits, and for what, is said on standard error.

    Example: due --env dev
    """
    from aifactory_runtime.triggers import preview
    from aifactory_runtime.triggers.rule import Decision

    for one in preview.decided(_here(environment)):
        if one.verdict.decision is Decision.TRAIN:
            said = {"request": one.request.key, "trigger": one.request.trigger, "who": one.request.who}
            click.echo(json.dumps(said | {"why": one.request.why}))
        else:
            _say(f"{one.request.key}: {one.verdict.decision.value}, {one.verdict.reason}")


@click.command()
@click.option("--why", required=True, help="The reason, for those who read the log.")
@options.environment
@options.person
@_json
def retrain(why: str, environment: str | None, person: str | None, as_json: bool) -> None:
    """Ask by hand for a new training with the released code; the next tick does it. Nobody has to approve it.

    Example: retrain --why "the new tariff is in force" --env dev
    """
    from aifactory_runtime.triggers import people

    request = people.ask(_here(environment), person, why)
    _print({"request": request}, as_json, f"{request}: asked; the next tick does it, or: tick")


@click.group(invoke_without_command=True)
@options.environment
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many, newest last.")
@_json
@click.pass_context
def requests(context: click.Context, environment: str | None, last: int, as_json: bool) -> int:
    """List requests to train again: who asked and why, what waits for a person, what they came to. Times are UTC.

    Exit code 1 when a part of their log is damaged: it is named, all else is listed.

    Example: requests --env dev
    """
    if context.invoked_subcommand is not None:
        return 0
    from aifactory_runtime.triggers import log

    here = _here(environment)
    found = list(log.read(here.folder).by_key.values())[-last:]
    if as_json:
        click.echo(json.dumps({"requests": [_values(one) for one in found]}))
    else:
        for line in [_told(one) for one in found] or [
            f"nobody asked for a training in {here.contract.environment} yet"
        ]:
            click.echo(line)
    damaged = log.damaged(here.folder)
    for line in damaged:
        click.echo(f"factory: {line}", err=True)
    return 1 if damaged else 0


@requests.command()
@click.argument("key")
@options.environment
@options.person
@_json
def approve(key: str, environment: str | None, person: str | None, as_json: bool) -> None:
    """Approve a request that waits for a person; the next tick trains. It is in the audit log.

    Example: requests approve new-data:0a1b2c3d4e5f6071 --env dev --as ana.lopez
    """
    from aifactory_runtime.triggers import people

    who = people.approve(_here(environment), person, key)
    _print({"request": key, "approved_by": who}, as_json, f"{key}: approved by {who}")


@requests.command()
@click.argument("key")
@click.option("--why", required=True, help="The reason, for who asked.")
@options.environment
@options.person
@_json
def refuse(key: str, why: str, environment: str | None, person: str | None, as_json: bool) -> None:
    """Refuse a request that waits; the same cause does not ask again. It is in the audit log.

    Example: requests refuse new-data:0a1b2c3d4e5f6071 --why "half a file" --env dev
    """
    from aifactory_runtime.triggers import people

    who = people.refuse(_here(environment), person, key, why)
    _print({"request": key, "refused_by": who}, as_json, f"{key}: refused by {who}")


def _lines(done: list[str], waiting: list[str], busy: bool) -> list[str]:
    if busy:
        return ["another tick is at it, and takes this up"]
    return [*done, *waiting] or ["nothing is due"]


def _told(one: Request) -> str:
    """A request in a line."""
    state = one.outcome or (f"approved by {one.approved_by}" if one.approved_by else "waits")
    version = f", version {one.version}" if one.version is not None else ""
    way = "".join(f", {where} {how}" for where, how in one.released.items())
    by = f" by {one.ended_by}" if one.ended_by else ""
    reason = f": {one.reason}" if one.reason else ""
    return f"{one.key}\t{one.asked:{_MINUTES}}\t{state}{by}{version}{way}{reason}\t{one.who}: {one.why}"


def _values(one: Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(asdict(one), default=str))
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _here(environment: str | None) -> Here:
    from aifactory_runtime.triggers.here import Here

    return Here(options.project_of(environment))


def _root() -> Path:
    from aifactory_runtime.config.project import find_root

    return find_root(Path.cwd())


def _say(line: str) -> None:
    click.echo(line, err=True)


def _print(values: dict[str, Any], as_json: bool, sentence: str) -> None:
    click.echo(json.dumps(values) if as_json else sentence)
