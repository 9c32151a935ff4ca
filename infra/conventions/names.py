"""Names of what the programs make, beyond those that repos and services agree on in the contract."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from aifactory_runtime.contract import names

SHARED = "shared"
PLATFORM_STACKS = (SHARED, *names.ENVIRONMENTS)

PREFIX = "aifactory"
"""What names begin with that an account gives for all that it holds."""

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
    also: str = ""
    """Characters that may stand in it besides; of others the separator takes the place."""


LIMITS = {
    "azure-storage-account": Limit(24, ""),
    "iam-role": Limit(64, "-", "._"),
    # `audit--` goes before it and the account's number after it, and 63 is the vendor's limit.
    "s3-bucket": Limit(43, "-"),
    "sagemaker-endpoint": Limit(63, "-"),
    # Parts that people name hold single hyphens, so these are joined by what none of them holds.
    "sagemaker-user-profile": Limit(63, "--"),
    "sns-topic": Limit(256, "_", "-"),
}
_DIGEST = 8


def cloud_role(role: str, use_case: str, environment: str) -> str:
    """Role at a cloud of one persona, or identity, in one environment of one use case."""
    return fitted("iam-role", PREFIX, use_case, environment, role)


def cloud_approver_role(person: str, use_case: str, environment: str) -> str:
    """Role at a cloud of one approver: the only one that may write the person's approvals."""
    return cloud_role(f"{names.APPROVER}.{person}", use_case, environment)


def fitted(kind: str, *parts: str) -> str:
    """Name of what a use case has in an environment (`parts` are both, and what tells it apart), within its limit.

    The parts, joined by the separator of `kind`, where that fits as it is; else shortened, with a suffix that is a
    digest of the whole, so that neither length nor a dropped character makes two names one. The same on every machine,
    always.
    """
    limit = LIMITS[kind]
    plain = limit.separator.join(parts)
    spelled = re.sub(f"[^a-z0-9{re.escape(limit.separator + limit.also)}]", limit.separator, plain)
    if spelled == plain and len(plain) <= limit.length:
        return plain
    digest = hashlib.sha256(".".join(parts).encode()).hexdigest()[:_DIGEST]
    room = limit.length - _DIGEST - len(limit.separator)
    return f"{spelled[:room].rstrip('-')}{limit.separator}{digest}"
