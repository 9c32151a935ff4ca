"""Who may do what on AWS, said by hand and decided from the documents: every persona and identity, allow and deny."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from aifactory_runtime.contract import names
from infra.components.aws import rights
from infra.components.aws.platform.boundary import boundary
from infra.conventions import personas
from tests.clouds.rights.case import ACCOUNT, REGION, context, decides, resources
from tests.clouds.rights.evaluator import Request, allowed

PUT, GET, DELETE = "s3:PutObject", "s3:GetObject", "s3:DeleteObject"
SM = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
PACKAGE = f"{SM}:model-package/churn-prod/3"
ENDPOINT = f"{SM}:endpoint/churn-prod"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aifactory/churn/prod:*"
BY_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
SERVICE = f"{IAM}:role/aifactory-churn-prod-service"
OTHER = {"aws:ResourceTag/use_case": "churn-prod", "aws:ResourceTag/environment": "dev"}

PROBES: list[tuple[str, str, str, bool]] = [
    ("data-engineer", GET, "s3:tables/raw/part-1.parquet", True),
    ("data-engineer", PUT, "s3:tables/raw/part-2.parquet", False),
    ("data-engineer", "sagemaker:InvokeEndpoint", ENDPOINT, False),
    ("data-scientist", "sagemaker:CallMlflowAppApi", f"{SM}:mlflow-app/app-1", True),
    ("data-scientist", "sagemaker:CreateModelPackage", PACKAGE, False),
    ("data-scientist", PUT, "s3:inbox/retrain.json", True),
    ("data-scientist", PUT, "s3:serving/serving.json", False),
    ("ml-engineer", "sagemaker:InvokeEndpoint", ENDPOINT, True),
    ("ml-engineer", "sagemaker:UpdateEndpoint", ENDPOINT, False),
    ("ai-engineer", "sagemaker:InvokeEndpoint", ENDPOINT, True),
    ("ai-engineer", GET, "s3:capture/predictions-1.jsonl", False),
    ("software-engineer", "sagemaker:InvokeEndpoint", f"{SM}:endpoint/fraud-prod", False),
    (
        "software-engineer",
        "logs:FilterLogEvents",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aifactory/churn/prod:*",
        True,
    ),
    ("domain-expert", PUT, "s3:capture/labels-0001.jsonl", True),
    ("domain-expert", PUT, "s3:capture/predictions-0001.jsonl", False),
    ("model-validator", GET, "s3:approvals/kim/1.json", True),
    ("model-validator", PUT, "s3:approvals/kim/1.json", False),
    ("model-validator", GET, "s3:tables/raw/part-1.parquet", False),
    ("operator", PUT, "s3:inbox/retrain.json", True),
    ("operator", "sagemaker:DeleteEndpoint", ENDPOINT, False),
    ("stakeholder", "budgets:ViewBudget", f"arn:aws:budgets::{ACCOUNT}:budget/churn-prod", True),
    ("stakeholder", "sagemaker:DescribeModelPackage", PACKAGE, True),
    ("stakeholder", "sagemaker:CallMlflowAppApi", f"{SM}:mlflow-app/app-1", False),
    ("stakeholder", GET, "s3:tables/raw/part-1.parquet", False),
    ("approver.kim", PUT, "s3:approvals/kim/7.json", True),
    ("approver.kim", PUT, "s3:approvals/ana/7.json", False),
    ("approver.kim", DELETE, "s3:approvals/kim/7.json", False),
    ("approver.kim", "sagemaker:UpdateModelPackage", PACKAGE, False),
    ("release", "sagemaker:CreateModelPackage", PACKAGE, True),
    ("release", "sagemaker:UpdateEndpoint", ENDPOINT, True),
    ("release", "sagemaker:UpdateEndpoint", f"{SM}:endpoint/fraud-prod", False),
    ("release", PUT, "s3:approvals/kim/7.json", False),
    ("release", GET, "arn:aws:s3:::churn-staging-123456789012/models/3/model.joblib", True),
    ("release", PUT, "arn:aws:s3:::churn-staging-123456789012/models/3/model.joblib", False),
    ("release", GET, "arn:aws:s3:::churn-staging-123456789012/tables/raw/part-1.parquet", False),
    ("service", GET, "arn:aws:s3:::churn-staging-123456789012/models/3/model.joblib", False),
    ("release", PUT, "s3:serving/release.lock.1f2e", True),
    ("release", DELETE, "s3:serving/release.lock.1f2e", True),
    ("release", "s3:ListBucket", "s3:", True),
    ("job", PUT, "s3:artifacts/pipeline.lock.1f2e", True),
    ("job", DELETE, "s3:artifacts/pipeline.lock.1f2e", True),
    ("job", DELETE, "s3:artifacts/pipeline.lock", False),
    ("service", DELETE, "s3:artifacts/pipeline.lock.1f2e", False),
    ("job", "iam:PassRole", SERVICE, False),
    ("release", "iam:PassRole", f"{IAM}:role/aifactory-churn-prod-service", True),
    ("release", "iam:PassRole", f"{IAM}:role/aifactory-fraud-prod-service", False),
    ("release", "iam:CreateRole", f"{IAM}:role/aifactory-churn-prod-mine", False),
    ("release", DELETE, "audit:audit/000000000001.json", False),
    ("release", "sagemaker:UpdateModelPackage", PACKAGE, True),
    ("job", PUT, "audit:anchors/0000000002.json", False),
    ("service", "sagemaker:UpdateModelPackage", PACKAGE, False),
    ("service", GET, "s3:models/3/model.joblib", True),
    ("service", "sagemaker:CreateModelPackage", PACKAGE, False),
    ("service", PUT, "s3:models/3/model.joblib", False),
    ("service", "sagemaker:CallMlflowAppApi", f"{SM}:mlflow-app/app-1", False),
    ("job", "sagemaker:CreateModelPackage", PACKAGE, True),
    ("job", "sagemaker:UpdateModelPackage", PACKAGE, True),
    ("job", "sagemaker:UpdateEndpoint", ENDPOINT, False),
    ("job", PUT, "audit:audit/000000000002.json", True),
    ("job", GET, "arn:aws:s3:::lake/churn/2026.parquet", True),
    ("job", GET, "arn:aws:s3:::lake/payroll/2026.parquet", False),
    ("events", "sagemaker:StartPipelineExecution", f"{SM}:pipeline/churn-prod-train", True),
    ("events", GET, "s3:tables/raw/part-1.parquet", False),
    ("ci-read", "cloudformation:GetResource", "*", True),
    ("ci-read", "cloudformation:CreateResource", "*", False),
    ("ci-read", GET, "s3:tables/raw/part-1.parquet", False),
    ("ci-apply", "iam:CreateRole", f"{IAM}:role/aifactory-churn-prod-operator", True),
    ("ci-apply", "iam:PutRolePolicy", f"{IAM}:role/aifactory-churn-prod-ci-apply", False),
    ("ci-apply", "iam:CreatePolicyVersion", f"{IAM}:policy/aifactory-platform-prod-boundary", False),
    ("ci-apply", PUT, "s3:approvals/kim/7.json", False),
]

CONDITIONED: list[tuple[str, str, str, dict[str, str]]] = [
    ("data-scientist", GET, "s3:tables/raw/part-1.parquet", {"aws:SecureTransport": "false"}),
    ("data-scientist", GET, "s3:tables/raw/part-1.parquet", {"s3:TlsVersion": "1.1"}),
    (
        "data-scientist",
        "kms:Decrypt",
        resources().kms_key,
        {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"},
    ),
    (
        "service",
        PUT,
        "s3:capture/1.jsonl",
        {BY_KEY: "arn:aws:kms:x:1:key/mine"},
    ),
    ("release", "sagemaker:UpdateEndpoint", f"{SM}:endpoint/churn-prod-dev", OTHER),
    ("release", "sagemaker:DeleteModel", f"{SM}:model/churn-prod-dev-3", OTHER),
    (
        "release",
        "iam:PassRole",
        f"{IAM}:role/aifactory-churn-prod-service",
        {"iam:PassedToService": "ec2.amazonaws.com"},
    ),
    (
        "ci-apply",
        "iam:CreateRole",
        f"{IAM}:role/aifactory-churn-prod-x",
        {"iam:PermissionsBoundary": "none"},
    ),
    ("ci-apply", "iam:PutRolePolicy", f"{IAM}:role/aifactory-fraud-prod-job", {"aws:ResourceTag/use_case": "fraud"}),
    ("job", "sagemaker:UpdateModelPackage", PACKAGE, {"sagemaker:ModelApprovalStatus": "Approved"}),
    ("ci-apply", "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/2", {"kms:ResourceAliases": "alias/payroll"}),
    ("job", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/Billing"}),
]
"""What is allowed as it is, and no longer once this is so."""


@pytest.mark.parametrize(("role", "action", "resource", "wanted"), PROBES)
def test_given_a_role_in_prod_when_it_asks_then_it_may_or_may_not(
    role: str, action: str, resource: str, wanted: bool
) -> None:
    assert decides(role, action, resource, resources()) is wanted


def test_given_the_probes_then_every_persona_and_identity_is_asked() -> None:
    everybody = {*personas.PERSONAS, *personas.IDENTITIES, *rights.MACHINES}

    assert {role.partition(".")[0] for role, *_ in PROBES} == everybody
    assert len(PROBES) >= 40


@pytest.mark.parametrize(("role", "action", "resource", "so"), CONDITIONED)
def test_given_a_condition_when_it_no_longer_holds_then_what_was_allowed_is_not(
    role: str, action: str, resource: str, so: dict[str, str]
) -> None:
    here = resources()
    own = resource.replace("churn-prod-dev", "churn-prod")
    assert decides(role, action, own, here)
    assert not decides(role, action, resource, here, so=so)


@pytest.mark.parametrize(("role", "key"), [("approver.kim", "s3:approvals/kim/7.json"), ("job", "audit:audit/1.json")])
def test_given_what_is_written_once_when_a_write_does_not_say_so_then_it_is_refused(role: str, key: str) -> None:
    assert decides(role, PUT, key, resources())
    assert not decides(role, PUT, key, resources(), without="s3:if-none-match")


def test_given_a_package_when_it_is_set_approved_then_only_release_may() -> None:
    approved = {"sagemaker:ModelApprovalStatus": "Approved"}
    may = [
        role
        for role in ("release", "job", "service", "approver.kim", "data-scientist")
        if decides(role, "sagemaker:UpdateModelPackage", PACKAGE, resources(), so=approved)
    ]

    assert may == ["release"]


def test_given_the_role_of_the_endpoint_when_it_is_passed_then_only_release_may() -> None:
    asked = [(role, person) for role, place, person in everybody() if place == "prod"]
    may = {
        role
        for role, person in asked
        if decides(f"{role}.{person}" if person else role, "iam:PassRole", SERVICE, resources())
    }

    assert may == {"release"}


@pytest.mark.parametrize(
    ("role", "key", "wanted"),
    [
        ("release", "models/3/model.joblib", True),
        ("release", "tables/raw/part-1.parquet", False),
        ("job", "models/3/model.joblib", False),
    ],
)
def test_given_the_next_environment_in_another_account_when_it_reads_here_then_the_bucket_lets_models_pass(
    role: str, key: str, wanted: bool
) -> None:
    here, account = resources("churn", "staging"), "111111111111"
    policy = rights.bucket_policy(here, ["kim"], [f"arn:aws:iam::{account}:role/aifactory-churn-prod-release"])
    asking = f"arn:aws:iam::{account}:role/aifactory-churn-prod-{role}"

    def says(action: str) -> bool:
        asked = Request(asking, action, f"{here.bucket_arn}/{key}", context(here, {}))
        return allowed(asked, [], resource=policy)

    assert (says(GET), says(PUT), says(DELETE)) == (wanted, False, False)


def test_given_an_administrator_when_an_approval_is_put_then_the_bucket_itself_refuses() -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

    assert decides("release", GET, "s3:approvals/kim/7.json", resources(), identity=everything)
    assert not decides("release", PUT, "s3:approvals/kim/7.json", resources(), identity=everything)
    assert not decides("approver.kim", PUT, "s3:approvals/ana/7.json", resources(), identity=everything)
    assert not decides("release", DELETE, "audit:audit/1.json", resources(), identity=everything)


def everybody() -> list[tuple[str, str, str | None]]:
    """Each role in each environment where it has rights, with the person of an approver."""
    tables = personas.PERSONAS | personas.IDENTITIES
    found = [(role, place) for role, one in tables.items() for place in one.anywhere]
    found += [(role, place) for role in rights.MACHINES for place in names.ENVIRONMENTS]
    return [(role, place, "kim" if role == names.APPROVER else None) for role, place in found]


def documents(use_case: str = "churn") -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (role, place): rights.policy(role, place, resources(use_case, place), person)
        for role, place, person in everybody()
    }


def faults(document: dict[str, Any], known: dict[str, Any]) -> list[str]:
    """Actions with a wildcard, or that AWS does not know; those on all resources where fewer would do."""
    found = [f"{one['Action'][0]} on nothing" for one in document["Statement"] if not one["Resource"]]
    for one in document["Statement"]:
        for action in one["Action"]:
            service, _, name = action.partition(":")
            if "*" in action or name.lower() not in known[service]["Actions"]:
                found.append(action)
            elif one["Resource"] == "*" and action not in UNNARROWED:
                found.append(f"{action} on *")
    return found


UNNARROWED = {
    *(f"cloudformation:{verb}Resource" for verb in ("Get", "Create", "Update", "Delete")),
    *("cloudformation:ListResources", "cloudformation:GetResourceRequestStatus"),
    *("cloudformation:CancelResourceRequest", "ecr:GetAuthorizationToken", "logs:DescribeLogGroups"),
    *("cloudwatch:GetMetricData", "cloudwatch:PutMetricData", "logs:GetQueryResults"),
}
"""Actions that act on no resource that a use case has of its own."""


def known_actions() -> dict[str, Any]:
    path = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_given_every_policy_when_read_then_actions_are_aws_own_and_resources_are_pinned() -> None:
    known = known_actions()
    assert {place: found for place, one in documents().items() if (found := faults(one, known))} == {}


@pytest.mark.parametrize("use_case", ["churn", "a" * 40])
def test_given_every_policy_when_it_is_a_roles_then_there_is_room_for_it(use_case: str) -> None:
    sizes = {place: len(json.dumps(one, separators=(",", ":"))) for place, one in documents(use_case).items()}
    assert {place: size for place, size in sizes.items() if size > 10_240} == {}


@pytest.mark.parametrize("use_case", ["churn"])
def test_given_the_boundary_when_a_role_is_within_it_then_what_it_may_is_not_taken_away(use_case: str) -> None:
    here = resources(use_case)
    bound = boundary("prod", ACCOUNT, REGION)
    within = [probe for probe in PROBES if probe[3] and not probe[0].startswith("ci-")]

    assert [probe for probe in within if not decides(*probe[:3], here, boundary=bound)] == []


def changed(role: str, action: str, resource: str, person: str | None = None) -> dict[str, Any]:
    """A policy with one statement too many."""
    document = copy.deepcopy(rights.policy(role, "prod", resources(), person))
    document["Statement"].append({"Effect": "Allow", "Action": [action], "Resource": [resource]})
    return document


@pytest.mark.parametrize(
    ("role", "action", "resource", "asked"),
    [
        ("service", "sagemaker:*", "*", ("sagemaker:CreateModelPackage", PACKAGE)),
        ("service", "sagemaker:CreateModelPackage", "*", ("sagemaker:CreateModelPackage", PACKAGE)),
        ("operator", "sagemaker:DeleteEndpoint", ENDPOINT, ("sagemaker:DeleteEndpoint", ENDPOINT)),
    ],
)
def test_given_a_seeded_fault_when_probed_then_it_is_found(
    role: str, action: str, resource: str, asked: tuple[str, str]
) -> None:
    wrong = changed(role, action, resource)

    assert (role, *asked, False) in PROBES
    assert decides(role, *asked, resources(), identity=wrong)
    if "*" in action:
        assert faults(wrong, known_actions()) == [action]


@pytest.mark.parametrize("role", ["release", "approver.kim"])
def test_given_a_role_that_writes_anothers_approvals_when_probed_then_it_is_found_and_the_bucket_refuses(
    role: str,
) -> None:
    kind, _, person = role.partition(".")
    here, key = resources(), "approvals/ana/7.json"
    wrong = changed(kind, PUT, here.objects("approvals/")[0], person or None)
    asked = Request(here.role(kind, person or None), PUT, f"{here.bucket_arn}/{key}", context(here, {}))

    assert not allowed(asked, [rights.policy(kind, "prod", here, person or None)])
    assert allowed(asked, [wrong])
    assert not decides(role, PUT, f"s3:{key}", here, identity=wrong)


def test_given_an_approved_package_when_a_release_says_so_then_it_may() -> None:
    approved = {"sagemaker:ModelApprovalStatus": "Approved"}
    assert decides("release", "sagemaker:UpdateModelPackage", PACKAGE, resources(), so=approved)
