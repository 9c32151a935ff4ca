"""Rights on AWS as documents: what a role may do, and who may take it. Nothing is made here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aifactory_runtime.contract import names
from infra.components.aws import machines
from infra.components.aws.bucket_policies import audit_bucket_policy, bucket_policy
from infra.components.aws.granting import Statement, approvals_of, document, writes_audit
from infra.components.aws.held import Resources
from infra.components.aws.machines import APPLIES, EVENTS, READS
from infra.components.aws.statements import JOB, statements
from infra.conventions import forges, personas
from infra.conventions.personas import Capability

__all__ = [
    "APPLIES",
    "EVENTS",
    "JOB",
    "READS",
    "Resources",
    "audit_bucket_policy",
    "bucket_policy",
    "policy",
    "trust",
    "trust_people",
    "trust_service",
]

Document = dict[str, Any]
"""A policy as IAM reads it: `Version` and `Statement`."""

APPROVER = names.APPROVER
"""Role of one approver each: `policy` wants to know the person."""
MACHINES: Mapping[str, Callable[[Resources], list[Statement]]] = {
    JOB: machines.job,
    EVENTS: machines.events,
    READS: machines.reads,
    APPLIES: machines.applies,
}
"""Roles that only a cloud has, in every environment."""
TRAINS = personas.rights(names.DATA_SCIENTIST, "dev").may - {Capability.CALL, Capability.SEE_COST}
"""What a job may in every environment: it trains and registers, and releases nothing."""
NOT_HERE = {names.SERVICE: frozenset({Capability.SEE_RUNS})}
"""What a role may on this machine and not here: an endpoint is isolated, and who sees runs at AWS may write them."""
_ACTS = frozenset(
    {
        *(Capability.REGISTER, Capability.RELEASE, Capability.APPROVE, Capability.FEED_LABELS),
        *(Capability.ASK_RETRAINING, Capability.READ_DATA, Capability.WRITE_DATA),
    }
)
"""What leaves a line in the audit log."""
LOGIN = "aws:PrincipalTag/login"
"""The tag by which a session says who the person is: an attribute that the company's identity source hands on."""


def capabilities(role: str, environment: str) -> frozenset[Capability]:
    """What a role may do on AWS in an environment; KeyError where it has no rights there."""
    if role in MACHINES:
        return TRAINS if role == JOB else frozenset()
    return personas.rights(role, environment).may - NOT_HERE.get(role, frozenset())


def policy(role: str, environment: str, resources: Resources, person: str | None = None) -> Document:
    """What a role may do in an environment: a persona, `release`, `service`, or one of the roles named above.

    `person` is the login of an approver, and of nobody else. KeyError where the role has no rights there.
    """
    may = capabilities(role, environment)
    if (person is None) == (Capability.APPROVE in may):
        raise ValueError(f"{role}: {'say whose approvals it writes' if person is None else 'it writes no approvals'}")
    found = [one for capability in Capability if capability in may for one in statements(capability, resources)]
    if person is not None:
        found += approvals_of(person, resources)
    if may & _ACTS:
        found += writes_audit(resources)
    if role in MACHINES:
        found += MACHINES[role](resources)
    whole = document(found)
    if role == APPLIES:  # The longest: with long names it has no room for what its statements are called.
        whole["Statement"] = [{key: part for key, part in one.items() if key != "Sid"} for one in whole["Statement"]]
    return whole


def trust(subjects: Sequence[str], provider: str) -> Document:
    """Who may take a role with a token of a forge: exactly these subjects, for the audience of that forge.

    `provider` is the provider's ARN. ValueError for no subject, and for one with a wildcard.
    """
    for subject in subjects:
        if re.search(r"[*?$]", subject):
            raise ValueError(f"{subject}: a subject names one repo and one environment; write it without wildcards")
    if not subjects:
        raise ValueError("nobody could take the role; name the subject of the repo's tokens (factory doctor prints it)")
    issuer = provider.partition(":oidc-provider/")[2]
    exactly = {f"{issuer}:sub": sorted(set(subjects)), f"{issuer}:aud": forges.audience(issuer)}
    let_in = _let_in({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", {"StringEquals": exactly})
    return {"Version": "2012-10-17", "Statement": [let_in]}


def trust_people(people: Mapping[str, date | None], account: str, partition: str = "aws") -> Document:
    """Who may take a persona's role: sessions of the account that carry the tag `login` of one of these people.

    The value is the last day, at whose end (UTC) IAM itself refuses; None has no end. A session is named for its login.
    """
    if not people:
        raise ValueError("nobody could take the role; make none for a persona without people")
    days = sorted({day for day in people.values() if day is not None})
    found = []
    for day in ([None] if None in people.values() else []) + days:
        logins = sorted(login for login, last in people.items() if last == day)
        condition: dict[str, Any] = {"StringEquals": {LOGIN: logins, "sts:RoleSessionName": f"${{{LOGIN}}}"}}
        if day is not None:
            condition["DateLessThan"] = {"aws:CurrentTime": f"{day + timedelta(days=1)}T00:00:00Z"}
        found.append(_let_in({"AWS": f"arn:{partition}:iam::{account}:root"}, "sts:AssumeRole", condition))
    return {"Version": "2012-10-17", "Statement": found}


def trust_service(services: Sequence[str], resources: Resources) -> Document:
    """That AWS's own services may take a role, for this account's resources alone: `sagemaker.amazonaws.com`, ..."""
    only_ours = {"StringEquals": {"aws:SourceAccount": resources.account}}
    return {"Version": "2012-10-17", "Statement": [_let_in({"Service": list(services)}, "sts:AssumeRole", only_ours)]}


def _let_in(principal: Mapping[str, Any], action: str, condition: Mapping[str, Any]) -> Statement:
    return {"Effect": "Allow", "Principal": {**principal}, "Action": action, "Condition": {**condition}}
