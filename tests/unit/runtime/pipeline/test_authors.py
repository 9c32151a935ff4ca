"""Whose change is registered: a login, who set a forge's run going, or those whose code it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.pipeline import authors
from aifactory_runtime.registry.port import Version

COMMIT = "d" * 40


def version(number: int, people: str, **more: str) -> Version:
    tags = {"commit": COMMIT, **({"authors": people} if people else {}), **more}
    return Version(number, "a" * 64, "run", {f"aifactory.{key}": value for key, value in tags.items()})


def found(monkeypatch: pytest.MonkeyPatch, login: str | None, *versions: Version, **variables: str) -> Any:
    for key in ("GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", authors.GIVEN):
        monkeypatch.delenv(key, raising=False)
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    credentials = Credentials(login, f"{login}.churn.dev", "") if login else None
    contract = SimpleNamespace(use_case="churn", environment="dev", target="local")
    registry = SimpleNamespace(versions=lambda: versions)
    context: Any = SimpleNamespace(login=credentials, contract=contract, registry=registry)
    return authors.of(context, COMMIT)


@pytest.mark.parametrize(
    ("login", "variables", "people"),
    [
        ("ana.lopez", {}, {"ana.lopez"}),
        ("release", {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "Bo", "GITHUB_TRIGGERING_ACTOR": "cy"}, {"bo", "cy"}),
        ("release", {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "bo"}, {"bo"}),
        ("release", {"TF_BUILD": "True", "BUILD_REQUESTEDFOREMAIL": "bo@example.com"}, {"bo"}),
        # A variable that anybody sets can add people, and takes nobody away.
        ("ana", {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "bo"}, {"ana", "bo"}),
        ("ana", {"GITHUB_ACTOR": "bo"}, {"ana"}),
        ("release", {authors.GIVEN: "ana bo"}, {"ana", "bo"}),
    ],
)
def test_given_a_login_and_a_forge_when_registered_then_both_are_its_authors(
    monkeypatch: pytest.MonkeyPatch, login: str, variables: dict[str, str], people: set[str]
) -> None:
    assert found(monkeypatch, login, **variables) == people


def test_given_release_alone_when_it_trains_then_the_authors_of_that_code_are_its_authors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = version(1, "eve", commit="e" * 40)
    served = version(3, "cy", commit="c" * 40, released_with=f"{'c' * 40} {COMMIT}")

    assert found(monkeypatch, "release", other, version(2, "ana bo"), served) == {"ana", "bo", "cy"}
    assert found(monkeypatch, "release", other, version(2, "ana"), version(3, "")) is None, "one is from before"
    assert found(monkeypatch, "release", other) is None, "nobody registered this code"


def test_given_nothing_provisioned_when_registered_then_it_is_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "otto")

    assert found(monkeypatch, None) == {"otto"}
