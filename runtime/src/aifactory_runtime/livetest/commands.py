"""`python -m <package> livetest`: how the live test of an environment stands, and acting upon its verdict."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from aifactory_runtime.livetest.look import Standing


_environment = click.option(
    "--env", "environment", type=options.PROVISIONED, default="prod", show_default=True, help="Environment."
)
_why = click.option("--why", required=True, help="The reason, for those who read the audit log.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(invoke_without_command=True)
@_environment
@_json
@click.pass_context
def livetest(context: click.Context, environment: str, as_json: bool) -> None:
    """Look at the live test of an environment and act: promote the challenger, withdraw it, or go on.

    Labels are looked at only when another whole period is over. Meant to be called often; a tick does.

    Example: livetest --env prod
    """
    if context.invoked_subcommand is not None:
        return
    from aifactory_runtime.livetest import look, reading

    _print(look.look(_root(), environment, reading.rows, _say), as_json)


@livetest.command()
@click.option("--by", required=True, metavar="TIME", help="How much longer: 12h, 7d.")
@_why
@_environment
@options.person
@_json
def extend(by: str, why: str, environment: str, person: str | None, as_json: bool) -> None:
    """Let the test that runs last longer, before its longest time is over; its share and rules stay as they are.

    Example: livetest extend --by 7d --why "labels come late" --env prod --as ana.lopez
    """
    from aifactory_runtime.livetest import acting

    _print(acting.extend(_root(), environment, person, by, why), as_json)


@livetest.command()
@_why
@_environment
@options.person
@_json
def stop(why: str, environment: str, person: str | None, as_json: bool) -> None:
    """Stop the test that runs: the champion stays.

    Example: livetest stop --why "its answers confuse callers" --env prod --as ana.lopez
    """
    from aifactory_runtime.livetest import acting

    _print(acting.stop(_root(), environment, person, why), as_json)


def _root() -> Path:
    from aifactory_runtime.config.project import find_root

    return find_root(Path.cwd())


def _print(found: Standing, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    for line in _told(found):
        click.echo(line)


def _told(found: Standing) -> list[str]:
    if found.test is None:
        last = f"; the last one, of version {found.version}: {found.verdict} ({found.why})" if found.version else ""
        return [f"no live test runs in {found.environment}{last}"]
    if not found.periods and found.verdict == "extended":
        return [f"version {found.version} in {found.environment} (test {found.test}) {found.why}"]
    low, high = found.better_by
    return [
        f"version {found.version} in {found.environment} (test {found.test}): {found.verdict}: {found.why}",
        f"{found.periods} periods closed, {found.units} units, log fortune {found.log_fortune:g} of 3",
        f"its loss is lower by {low:g} to {high:g}",
        *(
            f"its {one.name} is worse by {one.worse_by[0]:.4g} to {one.worse_by[1]:.4g}, {one.margin:g} is allowed"
            for one in found.guards
        ),
        *(f"{one.name} not judged: {one.why}" for one in found.unjudged),
        *([found.changed] if found.changed else []),
    ]


def _say(message: str) -> None:
    click.echo(message, err=True)
