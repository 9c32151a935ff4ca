"""Writes down in an environment's audit log who has access there, when that has changed, and whose secrets are new."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.audit import log
from infra.conventions import people

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract, Manifest

ACCESS = "access"
ROTATE = "rotate"


def access(contract: EnvironmentContract, manifest: Manifest, today: date) -> bool:
    """Add a line with everybody who has access from now on, unless the last such line says the same.

    Compared with the log and not with what was applied before: an `up` that was killed is made good by the next.
    """
    facts = {"people": _people(manifest, contract.environment, today)}
    folder = Path(contract.audit_uri)
    before = [line["facts"] for line in log.read(folder) if line["action"] == ACCESS]
    if before and before[-1] == facts:
        return False
    log.append(folder, ACCESS, getpass.getuser(), facts)
    return True


def rotated(contract: EnvironmentContract, identities: Sequence[str]) -> None:
    """Add a line that these have new secrets."""
    log.append(Path(contract.audit_uri), ROTATE, getpass.getuser(), {"identities": sorted(identities)})


def _people(manifest: Manifest, environment: str, today: date) -> dict[str, Any]:
    """Login to role to its last day."""
    return {
        login: {role: None if seat.until is None else seat.until.isoformat() for role, seat in sorted(roles.items())}
        for login, roles in sorted(people.held(manifest, environment, today).items())
    }
