"""Who read recorded rows with their inputs. Monitors and pages keep and show aggregates, so they leave no line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.contract import EnvironmentContract, names

ACTION = "captured rows read"
"""What the audit log calls it."""


def note(contract: EnvironmentContract, who: str, purpose: str, facts: Mapping[str, Any]) -> None:
    """A line of the environment's audit log, before `who` gets the rows; FactoryError when it cannot be written.

    With nothing provisioned there are no logins, and none is written.
    """
    if contract.environment != names.EMBEDDED:
        log.append(Path(contract.audit_uri), ACTION, who, {"for": purpose, **facts})
