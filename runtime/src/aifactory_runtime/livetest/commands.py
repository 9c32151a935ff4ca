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


@click.command()
@click.option("--env", "environment", type=options.PROVISIONED, default="prod", show_default=True, help="Environment.")
@click.option(
    "--withdraw", "why", default=None, metavar="WHY", help="End the test: the champion stays, for this reason."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def livetest(environment: str, why: str | None, as_json: bool) -> None:
    """Look at the live test of an environment and act: promote the challenger, withdraw it, or go on.

    Labels are looked at only when another whole period is over. Meant to be called often; a tick does.

    Example: livetest --env prod
    """
    from aifactory_runtime.config.project import find_root
    from aifactory_runtime.livetest import look, reading

    root = find_root(Path.cwd())
    found = look.end(root, environment, why) if why else look.look(root, environment, reading.rows, _say)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    for line in _told(found):
        click.echo(line)


def _told(found: Standing) -> list[str]:
    if found.test is None:
        last = f"; the last one, of version {found.version}: {found.verdict} ({found.why})" if found.version else ""
        return [f"no live test runs in {found.environment}{last}"]
    low, high = found.better_by
    return [
        f"version {found.version} in {found.environment} (test {found.test}): {found.verdict}: {found.why}",
        f"{found.periods} periods closed, {found.units} units, log fortune {found.log_fortune:g} of 3",
        f"its loss is lower by {low:g} to {high:g}",
    ]


def _say(message: str) -> None:
    click.echo(message, err=True)
