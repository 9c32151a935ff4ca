"""Who may take a role: jobs of one repo in one environment, people by their login until their last day, services."""

from __future__ import annotations

from datetime import date

import pytest

from infra.components.aws import rights
from infra.conventions import forges
from infra.conventions.forges import Forge, Ids
from tests.clouds.rights.case import ACCOUNT, resources
from tests.clouds.rights.evaluator import Request, may_take

ISSUERS: dict[Forge, tuple[str, str]] = {
    "github": (forges.GITHUB, "acme/churn"),
    "azure-devops": (f"{forges.AZURE_DEVOPS}/6f1c1b2a-0000-0000-0000-000000000000", "acme/risk/churn"),
    "gitlab": ("gitlab.com", "acme/churn"),
}
BY_TOKEN, BY_PERSON = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"


def takes(forge: Forge, subject: str, audience: str | None = None) -> bool:
    """Whether a job with this subject may take the role that applies in prod."""
    issuer, repo = ISSUERS[forge]
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
    document = rights.trust([one.text for one in forges.expected(forge, repo, "prod", ids=Ids(1, 2))], provider)
    context = {f"{issuer}:sub": subject, f"{issuer}:aud": audience or forges.audience(issuer)}
    return may_take(document, Request("-", BY_TOKEN, "-", context), {"Federated": provider})


@pytest.mark.parametrize("forge", ISSUERS)
def test_given_a_forge_when_a_job_asks_then_only_its_own_subject_and_audience_are_let_in(forge: Forge) -> None:
    repo = ISSUERS[forge][1]
    (own, *_), (reads, *_) = forges.expected(forge, repo, "prod"), forges.expected(forge, repo, "prod", reads=True)
    (dev, *_), (fork, *_) = forges.expected(forge, repo, "dev"), forges.expected(forge, f"mallory{repo[4:]}", "prod")

    assert takes(forge, own.text)
    assert [takes(forge, one.text) for one in (reads, dev, fork)] == [False, False, False]
    assert not takes(forge, own.text, audience="somebody-else")


def test_given_pull_requests_and_forks_at_github_when_they_ask_then_they_get_nothing() -> None:
    assert takes("github", "repo:acme@1/churn@2:environment:prod")
    for subject in ("repo:acme/churn:pull_request", "repo:acme/churn:ref:refs/heads/main", "repo:acme@9/churn@2:x"):
        assert not takes("github", subject)


@pytest.mark.parametrize("subjects", [[], ["repo:acme/*:environment:prod"], ["repo:acme/churn:*"]])
def test_given_nobody_or_a_wildcard_when_trusted_then_it_is_refused(subjects: list[str]) -> None:
    with pytest.raises(ValueError, match=r"without wildcards|nobody could take the role"):
        rights.trust(subjects, f"arn:aws:iam::{ACCOUNT}:oidc-provider/{forges.GITHUB}")


@pytest.mark.parametrize(
    ("login", "session", "now", "wanted"),
    [
        ("ana", "ana", "2027-06-01T10:00:00Z", True),
        ("ana", "kim", "2027-06-01T10:00:00Z", False),
        ("eve", "eve", "2027-01-01T10:00:00Z", False),
        ("bo", "bo", "2027-01-31T23:59:59Z", True),
        ("bo", "bo", "2027-02-01T00:00:00Z", False),
    ],
)
def test_given_people_when_they_ask_then_they_are_let_in_by_their_login_until_their_last_day(
    login: str, session: str, now: str, wanted: bool
) -> None:
    document = rights.trust_people({"ana": None, "bo": date(2027, 1, 31)}, ACCOUNT)
    context = {rights.LOGIN: login, "sts:RoleSessionName": session, "aws:CurrentTime": now}

    found = may_take(document, Request("-", BY_PERSON, "-", context), {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})

    assert found is wanted


def test_given_a_service_when_it_asks_for_another_account_then_it_is_not_let_in() -> None:
    document = rights.trust_service(["sagemaker.amazonaws.com"], resources())
    service = {"Service": "sagemaker.amazonaws.com"}
    for account, wanted in ((ACCOUNT, True), ("999999999999", False)):
        request = Request("-", BY_PERSON, "-", {"aws:SourceAccount": account})
        assert may_take(document, request, service) is wanted
