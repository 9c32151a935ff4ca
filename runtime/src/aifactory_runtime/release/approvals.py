"""Approvals: a named person agrees that one model is released, for what one report says; both named by digest.

What proves who approved is where it lies: an experiment in which the tracking server lets only that person write. A tag
proves nothing, and MLflow's `user_id` is what the client says; it is compared all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.port import REPORT_SHA256, Registry
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


def approver(contract: EnvironmentContract, registry: Registry, subject: Subject) -> str | None:
    """Who approved exactly `subject`, among those who may in this environment; None when nobody has."""
    for person in contract.approvers:
        login = names.login(person, contract.use_case, contract.environment)
        for approval in registry.approvals(person):
            said = Subject(approval.model_sha256, approval.report_sha256)
            if said == subject and approval.user_id == login:
                return person
    return None
