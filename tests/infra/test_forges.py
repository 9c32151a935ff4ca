"""Subjects of tokens of three forges: one repo, one environment, one role; a fork has another."""

from __future__ import annotations

import re

import pytest

from infra.conventions import forges
from infra.conventions.forges import Forge, Ids

REPOS: dict[Forge, str] = {"github": "acme/churn", "azure-devops": "acme/risk/churn", "gitlab": "acme/risk/churn"}
FORKS: dict[Forge, str] = {"github": "mallory/churn", "azure-devops": "mallory/risk/churn", "gitlab": "mallory/churn"}


def texts(forge: Forge, environment: str, *, reads: bool = False, repo: str = "", ids: Ids | None = None) -> list[str]:
    return [one.text for one in forges.expected(forge, repo or REPOS[forge], environment, reads=reads, ids=ids)]


@pytest.mark.parametrize(
    ("forge", "applies", "reads"),
    [
        ("github", "repo:acme/churn:environment:prod", "repo:acme/churn:environment:prod-read"),
        ("azure-devops", "sc://acme/risk/churn-prod", "sc://acme/risk/churn-prod-read"),
        (
            "gitlab",
            "project_path:acme/risk/churn:ref_type:branch:ref:main:deployment_tier:production",
            "project_path:acme/risk/churn:ref_type:branch:ref:main:deployment_tier:other",
        ),
    ],
)
def test_given_a_repo_when_asked_then_subjects_are_as_the_forge_writes_them(
    forge: Forge, applies: str, reads: str
) -> None:
    assert texts(forge, "prod") == [applies]
    assert texts(forge, "prod", reads=True) == [reads]


def test_given_numbers_of_a_repo_at_github_when_asked_then_the_new_form_is_named_too() -> None:
    old, new = forges.expected("github", "acme/churn", "prod", ids=Ids(owner=123, repo=456))

    assert new.text == "repo:acme@123/churn@456:environment:prod"
    assert old.text == "repo:acme/churn:environment:prod"
    assert "before" in old.when
    assert "since 15 July 2026" in new.when


@pytest.mark.parametrize("forge", forges.FORGES)
def test_given_a_fork_or_another_environment_when_asked_then_the_subject_is_another(forge: Forge) -> None:
    own = set(texts(forge, "prod"))

    assert not own & set(texts(forge, "prod", repo=FORKS[forge]))
    assert not own & {*texts(forge, "dev"), *texts(forge, "staging"), *texts(forge, "prod", reads=True)}
    assert not any("pull_request" in text or "*" in text for text in own)


@pytest.mark.parametrize(
    ("forge", "repo", "shape"),
    [
        ("github", "churn", "owner/name"),
        ("github", "acme/*", "owner/name"),
        ("github", "acme/churn/x", "owner/name"),
        ("azure-devops", "acme/churn", "organisation/project/repo"),
        ("gitlab", "churn", "group/project"),
        ("gitlab", "acme/churn:ref_type:branch", "group/project"),
    ],
)
def test_given_what_is_no_repo_when_asked_then_it_says_what_one_looks_like(forge: Forge, repo: str, shape: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(repo)}: name the repo at {forge} as {shape}"):
        forges.expected(forge, repo, "prod")


@pytest.mark.parametrize(
    ("issuer", "audience"),
    [
        ("token.actions.githubusercontent.com", "sts.amazonaws.com"),
        ("vstoken.dev.azure.com/6f1c1b2a-0000-0000-0000-000000000000", "api://AzureADTokenExchange"),
        ("gitlab.com", "https://gitlab.com"),
        ("git.acme.example", "https://git.acme.example"),
    ],
)
def test_given_an_issuer_when_asked_then_its_tokens_are_for_this_audience(issuer: str, audience: str) -> None:
    assert forges.audience(issuer) == audience
