"""Approvals: who may give one, and which recorded one counts for what is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.port import Approval, Version
from aifactory_runtime.release import approvals, run
from aifactory_runtime.release.approvals import Subject
from tests.fixtures.usecase_repo import make_repo
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


def staged(monkeypatch: pytest.MonkeyPatch, repo: Path, contract: EnvironmentContract, **found: str) -> None:
    """Every environment has a version 3 with these tags, of other science than the repo's."""
    make_repo(repo, rows=1)
    known = {"commit": "d" * 40, "science_sha256": "e" * 64, **found}
    version = Version(3, SUBJECT.model_sha256, "run", {f"aifactory.{key}": value for key, value in known.items()})
    registry = SimpleNamespace(version=lambda _: version, by_alias=lambda _: None)

    def open_side(_: Path, name: str) -> SimpleNamespace:
        project = SimpleNamespace(root=repo, manifest=SimpleNamespace(package="demo_case"))
        return SimpleNamespace(embedded=False, name=name, contract=contract, registry=registry, project=project)

    monkeypatch.setattr(run, "open_side", open_side)


@pytest.mark.parametrize(("environment", "report"), [("staging", "c" * 64), ("prod", SUBJECT.report_sha256)])
def test_given_both_reports_when_approved_then_prod_rests_on_stagings_test_and_staging_on_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str, report: str
) -> None:
    staged(
        monkeypatch, tmp_path / "repo", prod(tmp_path), gate_sha256="c" * 64, integration_sha256=SUBJECT.report_sha256
    )

    assert run.subject_to_approve(tmp_path, environment, 3, print)[0] == Subject(SUBJECT.model_sha256, report)


def test_given_a_version_that_staging_has_not_tested_when_approved_for_prod_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged(monkeypatch, tmp_path / "repo", prod(tmp_path), gate_sha256="c" * 64)

    with pytest.raises(FactoryError) as refused:
        run.subject_to_approve(tmp_path, "prod", 3, print)

    assert str(refused.value) == (
        "version 3 of staging cannot be approved for prod yet: it has not passed the integration test in staging: "
        "run release --to staging first"
    )
