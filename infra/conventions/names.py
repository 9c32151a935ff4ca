"""Names of what the programs make, beyond those that repos and services agree on in the contract."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aifactory_runtime.contract import names

SHARED = "shared"
PLATFORM_STACKS = (SHARED, *names.ENVIRONMENTS)

CALLERS = "callers"
TOKENS = "tokens"
FOLDERS = ("tables", "artifacts", "capture", "serving", "audit", "events", "logs", "inbox", "triggers", CALLERS)
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


def cluster(use_case: str, environment: str) -> str:
    """Launcher of the Dask cluster under supervisor; names of its ports' leases begin with it."""
    return f"{service(use_case, environment)}.cluster"


@dataclass(frozen=True)
class Limit:
    """What a vendor allows a name to be: at most so many characters of a-z and 0-9, parts joined by `separator`."""

    length: int
    separator: str


LIMITS = {
    "azure-storage-account": Limit(24, ""),
    "sagemaker-endpoint": Limit(63, "-"),
}
_DIGEST = 8


def fitted(kind: str, use_case: str, environment: str) -> str:
    """Name of what a use case has in an environment, within the limit of `kind`.

    `<use case><separator><environment>`, where that fits as it is; else shortened, with a suffix that is a digest of
    the whole, so that neither length nor a dropped hyphen makes two names one. The same on every machine, always.
    """
    limit = LIMITS[kind]
    plain = f"{use_case}{limit.separator}{environment}"
    spelled = plain if limit.separator else plain.replace("-", "")
    if spelled == plain and len(plain) <= limit.length:
        return plain
    digest = hashlib.sha256(f"{use_case}.{environment}".encode()).hexdigest()[:_DIGEST]
    room = limit.length - _DIGEST - len(limit.separator)
    return f"{spelled[:room].rstrip('-')}{limit.separator}{digest}"
