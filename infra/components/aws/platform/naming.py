"""Names of what the platform has in an account; use cases build theirs with `infra/conventions/names.py`."""

from __future__ import annotations

_FIRST = "aifactory-platform"
AUDIT_BUCKETS = "audit--"
"""How names of the buckets with audit logs begin: no use case holds two hyphens.

The trail records who reads and writes there.
"""
REPOSITORY = "aifactory"
STATE_ALIAS = "alias/aifactory-state"


def named(environment: str, part: str) -> str:
    """Name of a part of the platform in an environment: at most 43 characters. No use case may be named platform."""
    return f"{_FIRST}-{environment}-{part}"


def bucket(environment: str, part: str, account: str) -> str:
    """Name of a bucket; those are the whole world's, so it ends in the account's number."""
    return f"{named(environment, part)}-{account}"


def platform_bucket(account: str) -> str:
    """The platform's own bucket in an account: the engine's state, and what the platform tells its use cases."""
    return f"{_FIRST}-{account}"


def policy_arn(account: str, environment: str) -> str:
    """Address of the policy that bounds every role in an environment."""
    return f"arn:aws:iam::{account}:policy/{named(environment, 'boundary')}"


def provider_arn(account: str, issuer: str) -> str:
    """Address of the forge's provider of identities in an account."""
    return f"arn:aws:iam::{account}:oidc-provider/{issuer}"


def registry_host(account: str, region: str) -> str:
    """Where images of an account lie."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def repository_arn(account: str, region: str) -> str:
    """Address of the repository with the images of all use cases."""
    return f"arn:aws:ecr:{region}:{account}:repository/{REPOSITORY}"
