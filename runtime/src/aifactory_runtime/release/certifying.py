"""What `certify` does: a certificate is written where only its validator can, and into the audit log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aifactory_runtime.config import project
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.release import approval_rule, certificates, choice, gate_rules
from aifactory_runtime.release.gate_rules import GateRules
from aifactory_runtime.release.side import open_side, source_of

CERTIFIED = "gate certified"
WITHDRAWN = "gate certificate withdrawn"
"""What the audit log calls it."""


def certify(
    root: Path, environment: str, person: str, number: int | None, say: Callable[[str], None]
) -> tuple[GateRules, str, dict[str, Any]]:
    """Certify the gate that judged what a release to `environment` would take.

    The rules of the gate, whom it takes besides (empty when it is enough), and both for programs.
    """
    certificates.check_person(project.load(root, environment).environment.contract, person)
    target = open_side(root, environment)
    rules = gate_rules.of(choice.choose(open_side(root, source_of(target)), environment, number, say))
    own = open_side(root, environment, person)
    own.registry.record_certificate(person, rules.sha256)
    facts: dict[str, Any] = {"person": person, "gate_sha256": rules.sha256, "settings": dict(rules.settings)}
    facts |= {"runtime": rules.runtime, "runtime_sha256": rules.runtime_sha256}
    facts["lock_sha256"] = rules.lock_sha256
    own.audit(CERTIFIED, facts)
    certified = certificates.said(target.contract, target.registry)
    holders = [one for one, digest in certified.items() if digest == rules.sha256]
    others = [one for one in target.contract.validators if one not in holders]
    missing = ""
    if not approval_rule.certified(target.contract.risk, holders):
        missing = f"one of {', '.join(others)}" if others else "another model validator under people in factory.yaml"
    return rules, missing, facts | {"environment": environment, "missing": missing}


def withdraw(root: Path, environment: str, person: str, why: str) -> dict[str, Any]:
    """Take the certificate of `person` back; UsageProblem when there is none."""
    target = open_side(root, environment)
    certificates.check_person(target.contract, person)
    before = certificates.said(target.contract, target.registry).get(person)
    if before is None:
        raise UsageProblem(f"{person} has certified nothing in {environment}: there is nothing to take back")
    own = open_side(root, environment, person)
    own.registry.record_certificate(person, None)
    facts = {"person": person, "gate_sha256": before, "why": why}
    own.audit(WITHDRAWN, facts)
    return facts | {"environment": environment}
