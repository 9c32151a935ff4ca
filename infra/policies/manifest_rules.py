"""What a manifest may not ask of an environment; each sentence names the key and what to write instead."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from aifactory_runtime.contract import names
from infra import targets
from infra.conventions import people, personas, sizes

if TYPE_CHECKING:
    from aifactory_runtime.contract import Manifest
    from aifactory_runtime.contract.people import Member

TWO = 2
"""So many people may approve at least where `risk: high`."""
STAYS = "restricted"
"""The classification whose data may never leave prod."""


@dataclass(frozen=True)
class HomeFacts:
    """What the rules measure against."""

    today: date
    disk_gb: float
    """What the home's disk has for this use case: what is free, and what it holds already."""
    memory_gb: float = math.inf
    """What the machine has in all."""


@dataclass(frozen=True)
class Violation:
    """A rule that is broken: its name, the dotted key, and a sentence with what to write instead."""

    policy: str
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.key}: {self.sentence} (policy {self.policy})"


def violations(manifest: Manifest, environment: str, facts: HomeFacts) -> list[Violation]:
    """Everything that `environment` may not be asked for; empty when all is well."""
    return [
        *_data_stay(manifest, environment),
        *_size(manifest, environment),
        *_budget(manifest, environment),
        *_disk(manifest, environment, facts),
        *_memory(manifest, environment, facts),
        *people_violations(manifest, environment, facts.today),
        *_two_approvers(manifest, environment, facts.today),
    ]


def _data_stay(manifest: Manifest, environment: str) -> Iterator[Violation]:
    """Restricted data are neither trained on nor read outside prod."""
    if manifest.data_classification != STAYS:
        return
    policy = "restricted-data-stay-in-prod"
    if manifest.train_in == "dev":
        yield Violation(
            policy, "train_in", "training in dev would take restricted data out of prod; write train_in: prod"
        )
    source = manifest.settings(environment).data_source
    if environment != "prod" and source == manifest.settings("prod").data_source:
        yield Violation(
            policy,
            f"environments.{environment}.data_source",
            f"{source} is prod's own, and restricted data stay there; write the address of a masked or synthetic copy",
        )


def _size(manifest: Manifest, environment: str) -> Iterator[Violation]:
    """An environment gives some sizes only."""
    size, allowed = manifest.settings(environment).size, sizes.ALLOWED[environment]
    if size not in allowed:
        yield Violation(
            "size-of-environment",
            f"environments.{environment}.size",
            f"{size} is not available in {environment}; write {' or '.join(allowed)}",
        )


def month(manifest: Manifest, environment: str) -> float:
    """What a month of the environment is charged at when its quotas are used up."""
    wanted = manifest.settings(environment)
    offer, quotas = targets.offer(manifest.target), wanted.quotas
    service = offer.service_month(wanted.size) if manifest.serves_in(environment) else 0.0
    return round(service + offer.storage_month(quotas.disk_gb) + offer.compute(quotas.compute_hours), 2)


def idle(manifest: Manifest, environment: str) -> str | None:
    """What a cloud bills while nobody uses it, in a sentence for previews; None where nothing does."""
    if manifest.target == names.LOCAL or not manifest.serves_in(environment):
        return None
    size = manifest.settings(environment).size
    month_of_service = targets.offer(manifest.target).service_month(size)
    return (
        f"{manifest.use_case}.{environment}: bills while idle: an endpoint of size {size}, charged at "
        f"{month_of_service:g} a month from the first release on; jobs and spaces bill while they run"
    )


def _budget(manifest: Manifest, environment: str) -> Iterator[Violation]:
    """A budget that is stated holds what is asked for; 0 states none."""
    wanted = manifest.settings(environment)
    cost = month(manifest, environment)
    if 0 < wanted.budget_month < cost:
        yield Violation(
            "budget",
            f"environments.{environment}.budget_month",
            f"a month is charged at {cost:g} (size {wanted.size}, {wanted.quotas.disk_gb:g} GB, "
            f"{wanted.quotas.compute_hours:g} hours of compute) and the budget is {wanted.budget_month:g}; "
            f"write budget_month: {cost:g}, a smaller size or smaller quotas",
        )


def _disk(manifest: Manifest, environment: str, facts: HomeFacts) -> Iterator[Violation]:
    """A quota is no more than the disk has."""
    asked = manifest.settings(environment).quotas.disk_gb
    if asked > facts.disk_gb:
        yield Violation(
            "disk-of-home",
            f"environments.{environment}.quotas.disk_gb",
            f"disk_gb is {asked:g}, but the disk of this home has only {facts.disk_gb:.1f} GB left; "
            f"write quotas: {{disk_gb: {max(0.1, facts.disk_gb * 0.8):.1f}}} or make room",
        )


def _memory(manifest: Manifest, environment: str, facts: HomeFacts) -> Iterator[Violation]:
    """Workers of a cluster take no more together than the machine has."""
    compute = manifest.settings(environment).compute
    if compute is None:
        return
    asked = compute.workers * compute.memory_gb
    if asked > facts.memory_gb:
        yield Violation(
            "memory-of-home",
            f"environments.{environment}.compute",
            f"{compute.workers} workers of {compute.memory_gb:g} GB take {asked:g} GB, and this machine has "
            f"{facts.memory_gb:.1f}; write fewer workers or a smaller memory_gb",
        )


def _two_approvers(manifest: Manifest, environment: str, today: date) -> Iterator[Violation]:
    """Where harm is high the author of a change cannot approve it alone, so there is somebody else to ask."""
    asked = manifest.settings(environment).approval == "required"
    if manifest.risk != "high" or not (asked or environment == "prod"):
        return
    there = people.approvers(manifest, environment, today)
    if not asked:
        key, found = "approval", "approval: none asks nobody"
    else:
        key, found = "approvers", f"only {', '.join(there) or 'nobody'} may approve"
    if not asked or len(there) < TWO:
        yield Violation(
            "two-approvers-for-high-risk",
            f"environments.{environment}.{key}",
            f"with risk: high the author of a change cannot approve it alone, and {found} in {environment}; "
            "write approval: required and two logins under approvers",
        )


def people_violations(manifest: Manifest, environment: str, today: date) -> Iterator[Violation]:
    """People are named only where their persona has rights, and in prod with a last day unless it stands there."""
    for persona, members in manifest.people.items():
        for member in members:
            if environment in (member.environments or ()):
                yield from _entry(persona, member, environment, today)


def _entry(persona: str, member: Member, environment: str, today: date) -> Iterator[Violation]:
    policy, key, found = "people-of-environment", f"people.{persona}", personas.PERSONAS[persona]
    rights = found.rights(environment)
    if rights is None:
        yield Violation(
            policy,
            key,
            f"{member.login} is named for {environment}, where {persona} has no rights; "
            f"write environments: [{', '.join(found.anywhere)}]",
        )
        return
    last = today + timedelta(days=personas.PROD_DAYS)
    if not rights.standing and (member.until is None or member.until > last):
        said = "without a last day" if member.until is None else f"until {member.until}"
        yield Violation(
            policy,
            key,
            f"{member.login} would be in {environment} {said}; write until: {last} or earlier, "
            f"at most {personas.PROD_DAYS} days at a time",
        )
