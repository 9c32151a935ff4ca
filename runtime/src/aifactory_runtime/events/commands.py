"""`python -m <package> events`: what happened in an environment, and which problems are open."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from aifactory_runtime.config import options
from aifactory_runtime.events import acting


@click.group(invoke_without_command=True)
@options.environment
@click.option("--problems", "of_problems", is_flag=True, help="Problems instead of single events, open ones first.")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="How many events, newest last.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def events(context: click.Context, environment: str | None, of_problems: bool, last: int, as_json: bool) -> int:
    """List what happened in an environment, or which problems there are, whose they are and what to do.

    Exit code 1 when a part of the log is damaged: it is named, all else is listed. Times are UTC.

    Example: events --problems --env prod
    """
    if context.invoked_subcommand is not None:
        return 0
    from aifactory_runtime.events import event, record, told

    contract, now = options.contract_of(environment), datetime.now(UTC)
    found = record.read(Path(contract.events_uri))
    shown, problems = found.events[-last:], told.ordered(found.problems, now)
    if as_json:
        listed = {"events": [event.values(one) for one in shown]}
        if of_problems:
            listed = {"problems": [told.values(one, now) for one in problems]}
        click.echo(json.dumps({"environment": contract.environment, **listed, "damaged": list(found.damaged)}))
    else:
        lines = [told.sentence(one, now) for one in problems] if of_problems else [told.line(one) for one in shown]
        for line in lines or [f"nothing happened in {contract.environment} yet"]:
            click.echo(line)
    for line in found.damaged:
        click.echo(f"factory: {line}", err=True)
    return 1 if found.damaged else 0


for _command in (acting.ack, acting.silence, acting.close):
    events.add_command(_command)
