"""`python -m <package> audit`: walks the audit log's chain and says whether a line was rewritten, removed or torn."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from aifactory_runtime.config import options


@click.command()
@options.environment
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit(environment: str | None, as_json: bool) -> int:
    """Verify the audit log: how many lines hold, and the first that does not. Exit code 1 when the chain is broken.

    Compare the head with one kept elsewhere: cut-off last lines show only there. Example: audit --env prod
    """
    from aifactory_runtime.audit import log
    from aifactory_runtime.errors import FactoryError

    contract = options.contract_of(environment)
    folder = Path(contract.audit_uri)
    found = log.verify(folder)
    if as_json:
        click.echo(json.dumps({"environment": contract.environment, **asdict(found)}))
        return 0 if found.problem is None else 1
    if found.problem is not None:
        raise FactoryError(f"{folder / log.FILE}: {found.problem}; the {found.lines} lines before it hold")
    click.echo(
        f"{found.lines} lines hold in {contract.environment}, head {found.head}; they are in {folder / log.FILE}"
    )
    return 0
