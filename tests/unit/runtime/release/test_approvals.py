"""Approvals: who may give one, and which recorded one counts for what is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.port import Approval, Version
from aifactory_runtime.release import approvals
from aifactory_runtime.release.approvals import Subject
from aifactory_runtime.release.candidate import Candidate
from tests.unit.runtime.contract.test_manifest import VALID

SUBJECT = Subject("a" * 64, "b" * 64)
GIVEN = Approval("vera", SUBJECT.model_sha256, SUBJECT.report_sha256, "vera.churn.prod", 1)


class Recorded:
    """What each approver's experiment holds; a real server keeps it in `test_tracking_server.py`."""

    def __init__(self, *given: Approval) -> None:
        self._given = given

    def approvals(self, person: str) -> Sequence[Approval]:
        return [approval for approval in self._given if approval.person == person]


def prod(tmp_path: Path, *approvers: str) -> EnvironmentContract:
    values = environment.embedded(tmp_path, Manifest.model_validate(VALID))
    return EnvironmentContract.model_validate({**values, "environment": "prod", "approvers": approvers})


def found(contract: EnvironmentContract, *given: Approval) -> tuple[str, ...]:
    recorded: Any = Recorded(*given)
    return approvals.given(contract, recorded, SUBJECT)


def test_given_an_approval_of_this_model_and_report_when_asked_then_its_person_is_named(tmp_path: Path) -> None:
    assert found(prod(tmp_path, "vera"), GIVEN) == ("vera",)
    assert found(prod(tmp_path, "kim", "vera"), GIVEN) == ("vera",)
    assert found(prod(tmp_path, "vera"), replace(GIVEN, model_sha256="c" * 64), GIVEN) == ("vera",)


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "c" * 64},
        {"report_sha256": "c" * 64},
        {"model_sha256": SUBJECT.report_sha256, "report_sha256": SUBJECT.model_sha256},
        {"user_id": "ana.churn.prod"},
        {"user_id": "vera.churn.staging"},
        {"user_id": "vera"},
    ],
)
def test_given_an_approval_of_something_else_or_by_another_login_when_asked_then_nobody_has(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    assert found(prod(tmp_path, "vera"), replace(GIVEN, **change)) == ()


def test_given_an_approval_of_somebody_who_may_not_when_asked_then_nobody_has(tmp_path: Path) -> None:
    assert found(prod(tmp_path, "kim"), GIVEN) == ()
    assert found(prod(tmp_path), GIVEN) == ()
    assert found(prod(tmp_path, "vera")) == ()


@pytest.mark.parametrize(("risk", "enough"), [("low", True), ("limited", True), ("high", False)])
def test_given_an_approval_by_who_registered_the_version_when_asked_then_it_counts_alone_unless_harm_is_high(
    tmp_path: Path, risk: str, enough: bool
) -> None:
    contract = prod(tmp_path, "vera", "kim").model_copy(update={"risk": risk})
    log.append(tmp_path / "audit", "register", "somebody", {"version": 3, "aifactory.authors": "vera"})
    source: Any = SimpleNamespace(name="staging", contract=SimpleNamespace(audit_uri=tmp_path / "audit"))
    tags = {"aifactory.commit": "d" * 40, "aifactory.integration_sha256": SUBJECT.report_sha256}
    # Whoever changes the tag of a version that they registered is still its author: the audit log says so.
    chosen = Candidate(source, Version(3, SUBJECT.model_sha256, "run", tags | {"aifactory.authors": "bo"}))
    recorded: Any = Recorded(GIVEN)

    alone = approvals.standing(contract, recorded, chosen)
    recorded = Recorded(GIVEN, replace(GIVEN, person="kim", user_id="kim.churn.prod"))
    both = approvals.standing(contract, recorded, chosen)

    assert (alone.given, alone.enough) == (("vera",), enough)
    assert (both.given, both.enough) == (("vera", "kim"), True)


def test_given_an_approver_when_checked_then_nothing_is_said(tmp_path: Path) -> None:
    approvals.check_person(prod(tmp_path, "kim", "vera"), "vera")


@pytest.mark.parametrize(("approvers", "known"), [(("kim", "vera"), "kim, vera"), ((), "nobody")])
def test_given_somebody_else_when_checked_then_those_who_may_are_named(
    tmp_path: Path, approvers: tuple[str, ...], known: str
) -> None:
    with pytest.raises(UsageProblem) as refused:
        approvals.check_person(prod(tmp_path, *approvers), "ana")

    assert str(refused.value) == (
        f"ana may not approve in prod; who may: {known}. factory.yaml names them, factory up prod applies it"
    )


def test_given_nothing_provisioned_when_checked_then_nobody_can_approve(tmp_path: Path) -> None:
    contract = prod(tmp_path, "vera").model_copy(update={"environment": "embedded"})

    with pytest.raises(UsageProblem) as refused:
        approvals.check_person(contract, "vera")

    assert str(refused.value) == (
        "the embedded default has no logins, so nobody can approve: factory up prod makes them"
    )
