"""`python -m <package> audit`: walks the audit log's chain, and compares it with the heads that are kept elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aifactory_runtime.config import options
from aifactory_runtime.contract import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory_runtime.audit.anchors import Comparison
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.registry.port import Head

_PATIENCE = timedelta(minutes=5)
"""For so long a line may wait to be anchored, which is done each minute."""


@click.command()
@options.environment
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit(environment: str | None, as_json: bool) -> int:
    """Verify the audit log: how many lines hold, the first that does not, and whether what is anchored is in it.

    The orchestrator writes the newest line's digest to the tracking server each minute, where nobody who writes the log
    can: lines that were cut off or written anew show there. Exit code 1 when the log is not as it was, or that cannot
    be compared.

    Example: audit --env prod
    """
    from aifactory_runtime.audit import anchors, log
    from aifactory_runtime.errors import FactoryError

    contract = options.contract_of(environment)
    folder = Path(contract.audit_uri)
    heads, unread = _anchored(contract)  # first: what is anchored later may be of lines that are written later
    found = log.verify(folder)
    entries = log.read(folder)[: found.lines] if found.problem is None else []
    compared = anchors.compare(entries, heads) if found.problem is None and heads is not None else None
    problem = found.problem or (compared.problem if compared else unread)
    if as_json:
        said = {"line": None, "notes": [], "problem": unread} if compared is None else asdict(compared)
        click.echo(json.dumps({"environment": contract.environment, **asdict(found), "anchored": said}))
        return 0 if problem is None else 1
    if found.problem is not None:
        raise FactoryError(f"{folder / log.FILE}: {found.problem}; the {found.lines} lines before it hold")
    click.echo(
        f"{found.lines} lines hold in {contract.environment}, head {found.head}; they are in {folder / log.FILE}"
    )
    if compared is not None and compared.problem is not None:
        raise FactoryError(f"{folder / log.FILE}: {compared.problem}; up to line {compared.line} it is as it was")
    if unread is not None:
        raise FactoryError(f"what is anchored of it cannot be compared: {unread}")
    for line in _told(contract, entries, compared):
        click.echo(line)
    return 0


def _anchored(contract: EnvironmentContract) -> tuple[Sequence[Head] | None, str | None]:
    """What is anchored of the log, and why that cannot be read; None where nobody anchors anything."""
    from aifactory_runtime.errors import FactoryError

    if contract.environment == names.EMBEDDED:
        return None, None
    from aifactory_runtime.config import credentials
    from aifactory_runtime.registry import looking

    try:
        return looking.at(contract, credentials.of(contract)).anchored(), None
    except FactoryError as error:
        return None, str(error)


def _told(
    contract: EnvironmentContract, entries: Sequence[dict[str, Any]], compared: Comparison | None
) -> Sequence[str]:
    """How far it is anchored."""
    if compared is None:
        why = (
            "with nothing provisioned, nobody else keeps the head"
            if contract.environment == names.EMBEDDED
            else "the platform is of an earlier release: factory up --platform"
        )
        return [f"nothing of it is anchored: {why}"]
    waiting = entries[compared.line :]
    late = waiting and datetime.fromisoformat(waiting[0]["time"]) < datetime.now(UTC) - _PATIENCE
    hint = ", and should have been by now: factory status says whether the orchestrator runs" if late else ""
    since = f"; line {compared.line + 1} of {waiting[0]['time'][:16]} is not{hint}" if waiting else ""
    until = f"up to line {compared.line}" if compared.line else "nothing yet"
    return [f"anchored: {until}{since}", *(f"note: {note}" for note in compared.notes)]
