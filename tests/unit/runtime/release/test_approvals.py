"""Approvals: who may give one, and which recorded one counts for what is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.port import Approval
from aifactory_runtime.release import approvals
from aifactory_runtime.release.approvals import Subject
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


def found(contract: EnvironmentContract, *given: Approval) -> str | None:
    recorded: Any = Recorded(*given)
    return approvals.approver(contract, recorded, SUBJECT)


def test_given_an_approval_of_this_model_and_report_when_asked_then_its_person_is_named(tmp_path: Path) -> None:
    assert found(prod(tmp_path, "vera"), GIVEN) == "vera"
    assert found(prod(tmp_path, "kim", "vera"), GIVEN) == "vera"
    assert found(prod(tmp_path, "vera"), replace(GIVEN, model_sha256="c" * 64), GIVEN) == "vera"


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
    assert found(prod(tmp_path, "vera"), replace(GIVEN, **change)) is None


def test_given_an_approval_of_somebody_who_may_not_when_asked_then_nobody_has(tmp_path: Path) -> None:
    assert found(prod(tmp_path, "kim"), GIVEN) is None
    assert found(prod(tmp_path), GIVEN) is None
    assert found(prod(tmp_path, "vera")) is None


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
