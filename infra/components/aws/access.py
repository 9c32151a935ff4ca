"""Component Access: the roles of one use case in one environment, each with what it may do, within a boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pulumi
from pulumi_aws_native import iam

from aifactory_runtime.contract import names as agreed
from infra.components.aws import rights
from infra.components.aws.held import Resources
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings
from infra.conventions import names, people

JOBS_OF = ("sagemaker.amazonaws.com",)
"""Who runs containers: those of jobs, and those of the endpoint, each as a role of its own."""
EVENTS_OF = ("events.amazonaws.com", "pipes.amazonaws.com", "scheduler.amazonaws.com")
"""What starts pipelines."""
RELEASERS = (agreed.DATA_SCIENTIST, "ml-engineer")
"""Personas who may act as `release` without a forge."""


@dataclass(frozen=True)
class Wanted:
    """A role that the environment has: what it is, who may take it, and the approver whose own it is."""

    role: str
    trust: Mapping[str, Any]
    person: str | None = None

    def name(self, place: tuple[str, str]) -> str:
        """What it is called in the account."""
        return names.cloud_approver_role(self.person, *place) if self.person else names.cloud_role(self.role, *place)


def wanted(settings: UseCaseSettings, resources: Resources) -> list[Wanted]:
    """Roles for personas with people, one for each approver, and for what acts by itself."""
    return [*_personas(settings, resources), *_machines(settings, resources)]


def _personas(settings: UseCaseSettings, resources: Resources) -> Iterator[Wanted]:
    account = settings.platform.account
    for role, there in sorted(_people(settings).items()):
        if role == agreed.APPROVER:
            for person, until in there.items():
                yield Wanted(role, rights.trust_people({person: until}, account), person)
            continue
        trust = rights.trust_people(there, account)
        if role == agreed.DATA_SCIENTIST and settings.platform.domain_id is not None:
            trust = _both(trust, rights.trust_service(JOBS_OF, resources))  # what they start in their space acts as it
        yield Wanted(role, trust)


def _machines(settings: UseCaseSettings, resources: Resources) -> Iterator[Wanted]:
    found, account, provider = _people(settings), settings.platform.account, settings.platform.oidc_provider_arn
    by_hand: dict[str, date | None] = {}
    for role in RELEASERS:
        for person, until in found.get(role, {}).items():
            known = by_hand.get(person, until)
            by_hand[person] = None if None in (until, known) else max(day for day in (until, known) if day is not None)
    subjects = settings.subjects
    trust = rights.trust_people(by_hand, account)
    forge = subjects.get(agreed.RELEASE)
    yield Wanted(agreed.RELEASE, _both(trust, rights.trust(forge, provider)) if forge else trust)
    yield Wanted(rights.JOB, rights.trust_service(JOBS_OF, resources))
    yield Wanted(agreed.SERVICE, rights.trust_service(JOBS_OF, resources))
    yield Wanted(rights.EVENTS, rights.trust_service(EVENTS_OF, resources))
    for role in (rights.READS, rights.APPLIES):
        if subjects.get(role):
            yield Wanted(role, rights.trust(subjects[role], provider))


def _people(settings: UseCaseSettings) -> dict[str, dict[str, date | None]]:
    """Role to login to last day, of everybody who holds it today."""
    found: dict[str, dict[str, date | None]] = {}
    for person, roles in people.held(settings.manifest, settings.environment, settings.today).items():
        for role, seat in roles.items():
            found.setdefault(role, {})[person] = seat.until
    return found


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "Statement": [*one["Statement"], *other["Statement"]]}


class Access(Part):
    """Roles by what they are; an approver's by `approver.<login>`."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        resources: Resources,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.arns = {
            one.name(settings.place): self._role(settings, resources, one) for one in wanted(settings, resources)
        }
        self._place = settings.place
        self.register_outputs({"roles": list(self.arns.values())})

    def arn(self, role: str) -> pulumi.Output[str]:
        """ARN of a persona's or a machine's role; KeyError where the environment has none."""
        return self.arns[names.cloud_role(role, *self._place)]

    def _role(self, settings: UseCaseSettings, resources: Resources, one: Wanted) -> pulumi.Output[str]:
        document = rights.policy(one.role, settings.environment, resources, one.person)
        part = f"{one.role}-{one.person}" if one.person else one.role
        role = iam.Role(
            f"{self._name}-{part}",
            role_name=one.name(settings.place),
            assume_role_policy_document=dict(one.trust),
            # CI makes roles, which nobody within the boundary may; its own policies say that they have to be bound.
            permissions_boundary=None if one.role in (rights.READS, rights.APPLIES) else settings.platform.boundary_arn,
            policies=[{"policy_name": "capabilities", "policy_document": document}],
            tags=tagged(settings.tags),
            opts=self.child(),
        )
        arn: pulumi.Output[str] = role.arn
        return arn
