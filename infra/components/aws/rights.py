"""Rights on AWS as documents: what a role may do, and who may take it. Nothing is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from infra.components.aws.held import Resources

__all__ = ["Resources", "audit_bucket_policy", "bucket_policy", "policy", "trust", "trust_people", "trust_service"]

Document = dict[str, Any]
"""A policy as IAM reads it: `Version` and `Statement`."""

APPROVER = "approver"
"""Role of one approver each: `policy` wants to know the person."""
JOB = "job"
"""What steps of the pipeline, scheduled jobs and monitors run as."""
EVENTS = "events"
"""What rules and schedules start a pipeline as, and put into a queue."""
READS = "ci-read"
"""What CI runs `factory preview` as, and the checks of a pull request from the repo itself."""
APPLIES = "ci-apply"
"""What CI runs `factory up` as."""


def policy(role: str, environment: str, resources: Resources, person: str | None = None) -> Document:
    """What a role may do in an environment: a persona, `release`, `service`, or one of the roles named above.

    `person` is the login of an approver, and of nobody else. KeyError where the role has no rights there.
    """
    raise NotImplementedError(f"{role} in {environment} of {resources.use_case} {person}")


def trust(subjects: Sequence[str], provider: str) -> Document:
    """Who may take a role with a token of a forge: exactly these subjects, with AWS as audience.

    `provider` is the provider's ARN. ValueError for no subject, and for one with a wildcard.
    """
    raise NotImplementedError(f"{subjects} {provider}")


def trust_people(people: Mapping[str, date | None], account: str) -> Document:
    """Who may take a persona's role: sessions of the account that carry the tag `login` of one of these people.

    The value is the last day, at whose end (UTC) IAM itself refuses; None has no end. A session is named for its login.
    """
    raise NotImplementedError(f"{people} {account}")


def trust_service(services: Sequence[str], resources: Resources) -> Document:
    """That AWS's own services may take a role, for this account's resources alone: `sagemaker.amazonaws.com`, ..."""
    raise NotImplementedError(f"{services} {resources.account}")


def bucket_policy(resources: Resources, approvers: Sequence[str]) -> Document:
    """What a use case's bucket refuses whoever asks: no TLS, another's key, approvals in another person's name."""
    raise NotImplementedError(f"{resources.bucket} {approvers}")


def audit_bucket_policy(resources: Resources) -> Document:
    """What the bucket of audit lines refuses whoever asks: no TLS, a line written twice, a line removed."""
    raise NotImplementedError(resources.audit_bucket)
