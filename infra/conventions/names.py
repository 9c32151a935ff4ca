"""Names of what the programs make, beyond those that repos and services agree on in the contract."""

from __future__ import annotations

from aifactory_runtime.contract import names

SHARED = "shared"
PLATFORM_STACKS = (SHARED, *names.ENVIRONMENTS)

CALLERS = "callers"
TOKENS = "tokens"
FOLDERS = ("tables", "artifacts", "capture", "serving", "audit", "events", "logs", CALLERS)
"""Folders of a use case in one environment, as docs/interfaces.md lists them."""


def role(role: str, use_case: str, environment: str) -> str:
    """Role at MLflow of one persona in one environment of one use case."""
    return names.login(role, use_case, environment)


def approver_role(person: str, use_case: str, environment: str) -> str:
    """Role at MLflow of one approver: the only one that may write the person's approvals."""
    return names.login(f"{names.APPROVER}.{person}", use_case, environment)


def service(use_case: str, environment: str) -> str:
    """Scoring service under supervisor, also the name of its port's lease."""
    return f"{use_case}.{environment}"
