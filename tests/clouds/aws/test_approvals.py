"""Approvals on AWS: whose they are is where they lie and who was logged in; then the package shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from aifactory_runtime.aws import anchors, approvals
from aifactory_runtime.aws.registry import connect
from aifactory_runtime.aws.session import Identity, Session
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import Head
from aifactory_runtime.release.approvals import Subject, given
from tests.clouds.aws.test_versions import package
from tests.clouds.fixtures import account
from tests.clouds.fixtures.sagemaker import SageMaker

SUBJECT = Subject("a" * 64, "b" * 64)


@pytest.fixture
def log_in(contract: EnvironmentContract, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:  # noqa: ARG001
    """Has a person take the role of an approver, as all commands after it find them."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sts = boto3.client("sts", **keys)

    def as_person(person: str) -> None:
        role = f"arn:aws:iam::{account.NUMBER}:role/aifactory-churn-prod-approver"
        found = sts.assume_role(RoleArn=role, RoleSessionName=person)["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])

    return as_person


def test_given_an_approval_by_the_persons_own_session_then_it_counts(
    contract: EnvironmentContract, log_in: Callable[[str], None]
) -> None:
    log_in("kim.meyer")
    registry = connect(contract)
    registry.record_approval("kim.meyer", SUBJECT.model_sha256, SUBJECT.report_sha256)
    registry.record_approval("kim.meyer", SUBJECT.model_sha256, SUBJECT.report_sha256)
    (found,) = registry.approvals("kim.meyer")
    assert found.user_id == "kim.meyer.churn.prod"
    assert abs(datetime.fromtimestamp(found.time / 1_000, UTC) - datetime.now(UTC)) < timedelta(minutes=5)
    assert given(contract, registry, SUBJECT) == ("kim.meyer",)


def test_given_an_approval_that_another_person_wrote_then_it_does_not_count(
    contract: EnvironmentContract, log_in: Callable[[str], None]
) -> None:
    log_in("ana.lopez")
    registry = connect(contract)
    registry.record_approval("kim.meyer", SUBJECT.model_sha256, SUBJECT.report_sha256)
    (found,) = registry.approvals("kim.meyer")
    assert found.user_id == "aifactory-churn-prod-approver/ana.lopez"
    assert given(contract, registry, SUBJECT) == ()


def test_given_an_approval_then_the_package_of_that_model_alone_is_approved(
    contract: EnvironmentContract, model: Path, log_in: Callable[[str], None]
) -> None:
    registry = connect(contract)
    registry.register(model, {})
    sha256 = model_folder.digest(model)
    (model / "MLmodel").write_text("other")
    registry.register(model, {})
    log_in("kim.meyer")
    connect(contract).record_approval("kim.meyer", sha256, "b" * 64)
    first, other = package(contract, 1), package(contract, 2)
    assert (first["ModelApprovalStatus"], first["ApprovalDescription"]) == ("Approved", "approved by kim.meyer")
    assert other["ModelApprovalStatus"] == "PendingManualApproval"


def test_given_an_approval_before_the_copy_when_registered_then_the_package_is_approved(
    contract: EnvironmentContract, model: Path, log_in: Callable[[str], None]
) -> None:
    log_in("kim.meyer")
    registry = connect(contract)
    registry.record_approval("kim.meyer", model_folder.digest(model), "b" * 64)
    registry.register(model, {})
    assert package(contract, 1)["ModelApprovalStatus"] == "Approved"


def test_given_high_risk_when_one_of_two_approved_then_the_package_waits(
    contract: EnvironmentContract, model: Path, log_in: Callable[[str], None]
) -> None:
    risky = contract.model_copy(update={"risk": "high", "approvers": ("kim.meyer", "ana.lopez")})
    version = connect(risky).register(model, {})
    log_in("kim.meyer")
    connect(risky).record_approval("kim.meyer", version.model_sha256, "b" * 64)
    waits = package(contract, 1)["ModelApprovalStatus"]
    log_in("ana.lopez")
    connect(risky).record_approval("ana.lopez", version.model_sha256, "b" * 64)
    assert (waits, package(contract, 1)["ModelApprovalStatus"]) == ("PendingManualApproval", "Approved")


def test_given_a_certificate_by_the_persons_own_session_then_it_is_theirs(
    contract: EnvironmentContract, log_in: Callable[[str], None]
) -> None:
    log_in("vera")
    registry = connect(contract)
    registry.record_certificate("vera", "a" * 64)
    found = registry.certificate("vera")
    assert found is not None
    assert (found.gate_sha256, found.user_id) == ("a" * 64, "vera.churn.prod")


def test_given_a_damaged_approval_when_read_then_one_line_names_it(contract: EnvironmentContract) -> None:
    Session(contract).store(approvals.address(contract.registry_uri)).put("kim.meyer/x.json", b"{")
    with pytest.raises(FactoryError, match=r"^approvals/kim.meyer/x.json is damaged"):
        connect(contract).approvals("kim.meyer")


def test_given_heads_of_the_audit_log_when_anchored_then_in_order_and_never_changed(
    contract: EnvironmentContract,
) -> None:
    store = Session(contract).store(anchors.address(contract.audit_uri))
    for number in (10, 2):
        anchors.write(store, Head(number, f"{number:064x}"))
    anchors.write(store, Head(2, f"{2:064x}"))
    with pytest.raises(FactoryError, match="line 2 of the audit log is not what was anchored"):
        anchors.write(store, Head(2, "f" * 64))
    found = connect(contract).anchored()
    assert found is not None
    assert [(head.sequence, head.sha256) for head in found] == [(2, f"{2:064x}"), (10, f"{10:064x}")]
    assert all(head.at is not None for head in found)


def test_given_an_approver_who_may_not_change_packages_when_approving_then_it_counts_and_is_said(
    contract: EnvironmentContract,
    model: Path,
    log_in: Callable[[str], None],
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sagemaker: SageMaker = request.getfixturevalue("sagemaker")
    version = connect(contract).register(model, {})
    log_in("kim.meyer")
    sagemaker.denied["UpdateModelPackage"] = (
        "User: arn:aws:sts::1:assumed-role/a/kim.meyer is not authorized to perform: sagemaker:UpdateModelPackage"
    )
    registry = connect(contract)
    caplog.clear()
    registry.record_approval("kim.meyer", version.model_sha256, "b" * 64)
    said = caplog.text
    sagemaker.denied.clear()
    waits = package(contract, 1)["ModelApprovalStatus"]
    registry.set_alias("champion", 1)
    assert given(contract, registry, Subject(version.model_sha256, "b" * 64)) == ("kim.meyer",)
    assert (waits, package(contract, 1)["ModelApprovalStatus"]) == ("PendingManualApproval", "Approved")
    assert "kim.meyer lacks the right sagemaker:UpdateModelPackage in prod" in said


@pytest.mark.parametrize(
    ("arn", "person"),
    [
        ("arn:aws:sts::123456789012:assumed-role/aifactory-churn-dev-data-scientist/ana.lopez", "ana.lopez"),
        ("arn:aws:sts::123456789012:assumed-role/aifactory-churn-dev-job/SageMaker", None),
        ("arn:aws:sts::123456789012:assumed-role/aifactory-churn-dev-release/botocore-session-1700000000", None),
        ("arn:aws:iam::123456789012:user/ana", None),
    ],
)
def test_given_whoever_is_logged_in_then_it_is_a_person_only_where_the_session_is_named_for_one(
    arn: str, person: str | None
) -> None:
    assert Identity(account.NUMBER, arn).person == person
