"""Certificates: a validator says that what one gate lets pass needs no person, until the gate changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.port import IMPORTED, NOT_COMPARED, Registry
from aifactory_runtime.release import approval_rule, gate_rules, registered
from aifactory_runtime.release.approval_rule import Standing
from aifactory_runtime.release.candidate import Candidate

_SHORT = 12


def check_person(contract: EnvironmentContract, person: str) -> None:
    """UsageProblem unless the environment, as it was applied, takes certificates, and `person` may give one."""
    where = contract.environment
    if where == names.EMBEDDED:
        raise UsageProblem("the embedded default has no logins, so nobody can certify: factory up prod makes them")
    if not contract.certified_gate:
        raise UsageProblem(
            f"{where} takes no certificate of the gate: write certified_gate: true under environments.{where} in "
            f"factory.yaml, then factory up {where}"
        )
    if person not in contract.validators:
        known = ", ".join(contract.validators) or "nobody"
        raise UsageProblem(
            f"{person} may not certify in {where}; who may: {known}. Model validators are named under people in "
            f"factory.yaml, factory up {where} applies it"
        )


def said(contract: EnvironmentContract, registry: Registry) -> dict[str, str]:
    """Each validator who has a certificate in this environment, with the digest of the gate that it is of."""
    found = {}
    for person in contract.validators:
        one = registry.certificate(person)
        login = names.login(person, contract.use_case, contract.environment)
        if one is not None and one.gate_sha256 and one.user_id == login:
            found[person] = one.gate_sha256
    return found


def completed(found: Standing, contract: EnvironmentContract, registry: Registry, chosen: Candidate) -> Standing:
    """An approval that is not complete, after a look at certificates: complete, or with why none covers it."""
    if found.enough or not contract.certified_gate:
        return found
    certified = said(contract, registry)
    if not certified:
        return replace(found, because=_and(found.because, "nobody has certified the gate"))
    if why := _uncovered(chosen):
        return replace(found, because=_and(found.because, why))
    try:
        sha256 = gate_rules.of(chosen).sha256
    except FactoryError as error:
        return replace(found, because=_and(found.because, f"which gate judged it cannot be read: {error}"))
    holders = tuple(person for person, digest in certified.items() if digest == sha256)
    if approval_rule.certified(contract.risk, holders):
        return Standing(found.given, True, certificate=f"certificate {sha256[:_SHORT]} of {', '.join(holders)}")
    if holders:
        why = f"risk: high takes two certificates of the gate, and only {holders[0]} gave one"
    else:
        of = ", ".join(f"{person} ({digest[:_SHORT]})" for person, digest in certified.items())
        why = f"its gate {sha256[:_SHORT]} is another one than was certified by {of}"
    return replace(found, because=_and(found.because, why))


def _uncovered(chosen: Candidate) -> str:
    """Why no certificate covers the candidate, whatever gate judged it; empty when one may."""
    try:
        line = registered.line(chosen)
    except FactoryError as error:
        return f"nothing but its tags says what the gate found: {error}"
    why = _never_covered(chosen.version.tags) or _never_covered(line)
    return f"no certificate covers it: {why}" if why else ""


def _never_covered(tags: Mapping[str, object]) -> str:
    """Why a person has to look at it whoever certified its gate; empty when nobody has to."""
    if IMPORTED in tags:
        return "its model was trained elsewhere and imported"
    if why := tags.get(NOT_COMPARED):
        return f"the gate did not compare it with the champion of that time: {why}"
    return ""


def _and(because: str, why: str) -> str:
    return f"{because}; {why}" if because else why
