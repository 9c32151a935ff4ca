"""Certificates of the gate: whose count, of which gate, and what is said when none covers a release."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.port import Certificate, Version
from aifactory_runtime.release import certificates, gate_rules
from aifactory_runtime.release.approval_rule import Standing
from aifactory_runtime.release.candidate import Candidate
from tests.unit.runtime.release.test_approvals import prod
from tests.unit.runtime.release.test_registered import SAID

GATE, OTHER = "1" * 64, "2" * 64
WAITS = Standing((), False, 1, ("vera",))


def where(tmp_path: Path, **more: Any) -> EnvironmentContract:
    asked = {"approval": "required", "certified_gate": True, "validators": ("vera", "otto")}
    return prod(tmp_path, "vera", "otto", "kim").model_copy(update=asked | more)


def candidate(tmp_path: Path, line: Any = None, **tags: str) -> Candidate:
    """A version that the gate let pass; `tags` are more of it, `line` more of its line in the audit log."""
    folder = tmp_path / "trained"
    log.append(folder, "register", "ana", {"version": 3, **SAID, **(line or {})})
    contract = prod(tmp_path).model_copy(update={"environment": "embedded", "audit_uri": str(folder)})
    source: Any = SimpleNamespace(name="embedded", contract=contract)
    more = {f"aifactory.{key}": value for key, value in tags.items()}
    return Candidate(source, Version(3, SAID["aifactory.model_sha256"], "run", SAID | more))


def found(
    contract: EnvironmentContract, monkeypatch: pytest.MonkeyPatch, chosen: Any = None, **said: str | None
) -> Standing:
    """How a release stands whose gate is GATE; `said` is what each person certified last."""
    registry: Any = SimpleNamespace(
        certificate=lambda person: Certificate(person, said[person], f"{person}.churn.prod") if person in said else None
    )
    monkeypatch.setattr(gate_rules, "of", lambda _: SimpleNamespace(sha256=GATE))
    return certificates.completed(WAITS, contract, registry, chosen or candidate(Path(contract.audit_uri).parent))


def test_given_a_certificate_of_its_gate_when_released_then_no_person_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = found(where(tmp_path), monkeypatch, vera=OTHER, otto=GATE)

    assert held.enough and held.by == "certificate 111111111111 of otto"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "nobody has certified the gate"),
        ({"vera": None}, "nobody has certified the gate"),
        ({"kim": GATE}, "nobody has certified the gate"),
        ({"vera": OTHER}, "its gate 111111111111 is another one than was certified by vera (222222222222)"),
    ],
)
def test_given_no_certificate_that_covers_its_gate_when_released_then_a_person_is_asked_and_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str | None], why: str
) -> None:
    waits = found(where(tmp_path), monkeypatch, **said)

    assert not waits.enough and waits.missing == f"one of vera ({why})"


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (
            {"not_compared": "it has no column age"},
            "the gate did not compare it with the champion of that time: it has no column age",
        ),
        ({"imported": "f" * 64}, "its model was trained elsewhere and imported"),
    ],
)
def test_given_what_the_gate_did_not_compare_when_its_gate_is_certified_then_a_person_is_asked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], why: str
) -> None:
    waits = found(where(tmp_path), monkeypatch, candidate(tmp_path, **tags), vera=GATE, otto=GATE)

    assert not waits.enough and waits.missing == f"one of vera (no certificate covers it: {why})"


def test_given_a_tag_that_was_taken_away_when_its_gate_is_certified_then_the_audit_log_still_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = candidate(tmp_path, {"aifactory.not_compared": "it has no column age"})

    waits = found(where(tmp_path), monkeypatch, chosen, vera=GATE)

    assert not waits.enough and "it has no column age" in waits.missing


def test_given_another_verdict_in_the_audit_log_when_its_gate_is_certified_then_a_person_is_asked_and_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = found(where(tmp_path), monkeypatch, candidate(tmp_path, {"aifactory.gate": "refused"}), vera=GATE)

    assert waits.missing == (
        "one of vera (nothing but its tags says what the gate found: the line register in the audit log of embedded "
        "names another gate than the version's tags)"
    )


def test_given_high_risk_when_one_validator_certified_then_it_takes_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = where(tmp_path, risk="high")

    one = found(contract, monkeypatch, vera=GATE)
    assert not one.enough
    assert "risk: high takes two certificates of the gate, and only vera gave one" in one.missing
    assert found(contract, monkeypatch, vera=GATE, otto=GATE).enough


def test_given_an_environment_that_takes_none_when_released_then_certificates_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(where(tmp_path, certified_gate=False), monkeypatch, vera=GATE) == WAITS
    assert found(where(tmp_path, validators=()), monkeypatch, vera=GATE).enough is False


def test_given_a_certificate_under_another_login_when_looked_for_then_it_does_not_count(tmp_path: Path) -> None:
    registry: Any = SimpleNamespace(certificate=lambda person: Certificate(person, GATE, "ana.churn.prod"))

    assert certificates.said(where(tmp_path), registry) == {}


def test_given_a_commit_that_is_gone_when_released_then_a_person_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise FactoryError("there is no commit dddd")

    registry: Any = SimpleNamespace(certificate=lambda person: Certificate(person, GATE, f"{person}.churn.prod"))
    monkeypatch.setattr(gate_rules, "of", gone)
    waits = certificates.completed(WAITS, where(tmp_path), registry, candidate(tmp_path))

    assert waits.missing == "one of vera (which gate judged it cannot be read: there is no commit dddd)"


@pytest.mark.parametrize(
    ("person", "more", "sentence"),
    [
        ("kim", {}, "kim may not certify in prod; who may: vera, otto"),
        ("kim", {"validators": ()}, "who may: nobody"),
        ("vera", {"certified_gate": False}, "prod takes no certificate of the gate: write certified_gate: true"),
        ("vera", {"environment": "embedded"}, "the embedded default has no logins"),
    ],
)
def test_given_who_may_not_or_where_none_is_taken_when_certifying_then_it_says_what_to_do(
    tmp_path: Path, person: str, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageProblem, match=sentence):
        certificates.check_person(where(tmp_path, **more), person)
    certificates.check_person(where(tmp_path), "vera")
