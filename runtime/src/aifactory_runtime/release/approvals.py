"""Approvals: a named person agrees that one model is released, for what one report says; both named by digest.

What proves who approved is where it lies: an experiment in which the tracking server lets only that person write. A tag
proves nothing, and MLflow's `user_id` is what the client says; it is compared all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.port import REPORT_SHA256, Registry
from aifactory_runtime.release import approval_rule, authors, certificates
from aifactory_runtime.release.approval_rule import Standing
from aifactory_runtime.release.candidate import Candidate


@dataclass(frozen=True)
class Subject:
    """What is approved."""

    model_sha256: str
    report_sha256: str


def subject(chosen: Candidate, environment: str) -> Subject:
    """What an approval for `environment` covers: the model with the report of the gate, for prod of staging's test.

    That test names the commit of code it passed with.

    The report is empty where there is none yet; such an approval would never count.
    """
    report = chosen.tested_here if environment == "prod" else chosen.version.tags.get(REPORT_SHA256)
    return Subject(chosen.sha256, report or "")


def check_person(contract: EnvironmentContract, person: str) -> None:
    """UsageProblem unless the environment, as it was applied, names `person` as approver."""
    if contract.environment == names.EMBEDDED:
        raise UsageProblem("the embedded default has no logins, so nobody can approve: factory up prod makes them")
    if person not in contract.approvers:
        known = ", ".join(contract.approvers) or "nobody"
        raise UsageProblem(
            f"{person} may not approve in {contract.environment}; who may: {known}. factory.yaml names them, "
            f"factory up {contract.environment} applies it"
        )


def given(contract: EnvironmentContract, registry: Registry, subject: Subject) -> tuple[str, ...]:
    """Who approved exactly `subject`, of those who may in this environment."""
    return tuple(person for person in contract.approvers if _approved(contract, registry, subject, person))


def _approved(contract: EnvironmentContract, registry: Registry, subject: Subject, person: str) -> bool:
    login = names.login(person, contract.use_case, contract.environment)
    return any(
        Subject(one.model_sha256, one.report_sha256) == subject and one.user_id == login
        for one in registry.approvals(person)
    )


def standing(contract: EnvironmentContract, registry: Registry, chosen: Candidate) -> Standing:
    """How the approval of a candidate stands in this environment."""
    said = given(contract, registry, subject(chosen, contract.environment))
    people = authors.of(chosen) if contract.risk == "high" else None
    found = approval_rule.standing(contract.risk, contract.approvers, people, said)
    return certificates.completed(found, contract, registry, chosen)
