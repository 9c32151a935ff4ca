"""`factory bootstrap`: what an account in a cloud needs before the platform."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from aifactory.cli import output


@click.command()
@click.argument("target", type=click.Choice(["aws"]))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(target: str, as_json: bool) -> None:
    """Prepare the account at TARGET that you are logged in to: bucket and key of the engine's state, CI's roles.

    Run it once in each account that platform.yaml names, in the company's factory repo, as an administrator; again
    after a change of platform.yaml's identity or accounts, and after any interruption.

    Example: factory bootstrap aws
    """
    from aifactory.home import Home
    from aifactory.provision import bootstrap

    found = bootstrap.bootstrap(Path.cwd(), Home.current().of(target), output.say)
    if as_json:
        output.answer_json(asdict(found))
        return
    click.echo(f"account {found.account}: {len(found.changed)} changed" if found.changed else "no change")
    click.echo(f"state: {found.backend.partition('?')[0] or 'as PULUMI_BACKEND_URL says'}")
    for role, arn in found.roles.items():
        click.echo(f"CI {role} as {arn}")
    click.echo("Next: factory up dev")
