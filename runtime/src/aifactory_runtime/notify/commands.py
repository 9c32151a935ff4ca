"""`python -m <package> notify`: tell people of problems now; with --dry-run it is only said what they would be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.notify.outbox import Failure
    from aifactory_runtime.notify.sending import Done


@click.command()
@options.environment
@click.option("--dry-run", is_flag=True, help="Say what would be told and what waits; send and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def notify(environment: str | None, dry_run: bool, as_json: bool) -> int:
    """Tell the channels of `notify` in factory.yaml of problems: once when one opens, each day, and at its end.

    What a channel does not take waits and is sent again by a later call. Exit code 1 when something went wrong.

    Example: notify --env prod --dry-run
    """
    from aifactory_runtime.notify import sending

    contract = options.contract_of(environment)
    done = sending.look(contract) if dry_run else sending.tell(contract)
    if as_json:
        click.echo(json.dumps(_values(contract, done, dry_run=dry_run)))
    else:
        for line in _lines(contract, done, dry_run=dry_run):
            click.echo(line)
    for line in done.troubles:
        click.echo(f"factory: {line}", err=True)
    return 1 if done.troubles else 0


def _values(contract: EnvironmentContract, done: Done, *, dry_run: bool) -> dict[str, Any]:
    from aifactory_runtime.notify import message

    return {
        "environment": contract.environment,
        "channels": [one.name for one in contract.notify],
        "told": [message.values(one) for one in done.told],
        "delivered": [{"id": one.id, "channel": channel} for one, channel in done.delivered],
        "waiting": [{"id": one.id, "channel": channel, **_failed(why)} for one, channel, why in done.waiting],
        "troubles": done.troubles,
        "dry_run": dry_run,
    }


def _failed(failure: Failure | None) -> dict[str, Any]:
    from aifactory_runtime.notify import turns

    if failure is None:
        return {"failures": 0}
    return {"failures": failure.count, "why": failure.why, "again": turns.again(failure).isoformat(timespec="seconds")}


def _lines(contract: EnvironmentContract, done: Done, *, dry_run: bool) -> list[str]:
    if not contract.notify:
        return [
            f"{contract.environment} tells nobody: name channels under notify in factory.yaml, then run factory up "
            f"{contract.environment}"
        ]
    lines = [f"{'would be told' if dry_run else 'told'}: {one.title}" for one in done.told]
    lines += [f"{channel} has taken: {one.title}" for one, channel in done.delivered]
    lines += [f"waits for {channel}: {one.title}{_why(failure)}" for one, channel, failure in done.waiting]
    return lines or [f"nothing is to be told in {contract.environment}"]


def _why(failure: Failure | None) -> str:
    if failure is None:
        return ""
    return f" (failed {'once' if failure.count == 1 else f'{failure.count} times'}, last: {failure.why})"
