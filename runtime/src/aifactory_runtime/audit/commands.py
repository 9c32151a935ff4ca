"""`python -m <package> audit`: walks the audit log's chain, and compares it with the heads that are kept elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aifactory_runtime.config import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory_runtime.audit.checking import Checked
    from aifactory_runtime.contract import EnvironmentContract

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
    from aifactory_runtime.audit import checking, log
    from aifactory_runtime.errors import FactoryError

    contract = options.contract_of(environment)
    file, found = Path(contract.audit_uri) / log.FILE, checking.check(contract)
    chain = found.chain
    if as_json:
        unknown: dict[str, object] = {"line": None, "notes": [], "problem": found.unread}
        anchored = unknown if found.compared is None else asdict(found.compared)
        click.echo(json.dumps({"environment": contract.environment, **asdict(chain), "anchored": anchored}))
        return 0 if found.problem is None and found.unread is None else 1
    if chain.problem is None:
        click.echo(f"{chain.lines} lines hold in {contract.environment}, head {chain.head}; they are in {file}")
    if found.problem is not None:
        raise FactoryError(f"{file}: {found.problem}")
    if found.unread is not None:
        raise FactoryError(f"what is anchored of it cannot be compared: {found.unread}")
    for line in _told(contract, found):
        click.echo(line)
    return 0


def _told(contract: EnvironmentContract, found: Checked) -> Sequence[str]:
    """How far it is anchored."""
    compared = found.compared
    if compared is None:
        return [f"nothing of it is anchored: {found.unanchored(contract.environment)}"]
    waiting = found.entries[compared.line :]
    late = waiting and datetime.fromisoformat(waiting[0]["time"]) < datetime.now(UTC) - _PATIENCE
    hint = ", and should have been by now: factory status says whether the orchestrator runs" if late else ""
    since = f"; line {compared.line + 1} of {waiting[0]['time'][:16]} is not{hint}" if waiting else ""
    until = f"up to line {compared.line}" if compared.line else "nothing yet"
    return [f"anchored: {until}{since}", *(f"note: {note}" for note in compared.notes)]
