"""`python -m <package> tidy`: what there is to do about the disk of an environment, then done with --yes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aifactory_runtime.config import options


@click.command()
@options.environment
@click.option("--yes", is_flag=True, help="Do it; without, it is only said.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tidy(environment: str | None, yes: bool, as_json: bool) -> None:
    """Move predictions from the log into a packed table, a fifth of its size or less; `trace` finds them in both.

    Example: tidy --env prod --yes
    """
    from aifactory_runtime.capture import compaction

    contract = options.contract_of(environment)
    capture = Path(contract.capture_uri)
    if yes:
        done = compaction.compact(capture, Path(contract.data_uri))
        rows, said = done.rows, "moved"
    else:
        rows, said = compaction.waiting(capture), "would be moved"
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, "predictions": rows, "done": yes}))
        return
    click.echo(f"{rows} predictions of {contract.environment} {said} from the log into the table captured")
    if rows and not yes:
        click.echo("say --yes to do it")
