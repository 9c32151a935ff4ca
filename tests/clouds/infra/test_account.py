"""The first stack of an account under mocks: its bucket and key stay, and CI gets in by exact subjects only."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from infra.conventions import tags
from tests.clouds.infra.test_platform import Recorder, engine, program, statements

__all__ = ["engine"]

VALID: dict[str, Any] = {
    "account": "111122223333",
    "region": "eu-west-1",
    "accounts": ["111122223333", "444455556666"],
    "issuer": "token.actions.githubusercontent.com",
    "audience": "sts.amazonaws.com",
    "subjects": {
        "reads": ["repo:acme/factory:environment:dev-read"],
        "applies": ["repo:acme/factory:environment:dev"],
    },
}


def account(recorder: Recorder, **changed: Any) -> dict[str, Any]:
    return program(recorder, "bootstrap", account=json.dumps({**VALID, **changed}))


def test_given_an_account_when_run_then_bucket_key_provider_and_two_roles_are_made(engine: Recorder) -> None:
    exports = account(engine)

    (bucket,) = engine.of("s3:Bucket").values()
    assert bucket["bucketName"] == exports["bucket"] == "aifactory-platform-111122223333"
    assert [one["aliasName"] for one in engine.of("kms:Alias").values()] == ["alias/aifactory-state"]
    (provider,) = engine.of("iam:OidcProvider").values()
    assert (provider["url"], provider["clientIdList"]) == (f"https://{VALID['issuer']}", ["sts.amazonaws.com"])
    assert set(exports["roles"]) == {"reads", "applies"}
    for kind in ("s3:Bucket", "kms:Key", "iam:OidcProvider", "iam:Role"):
        for one in engine.of(kind).values():
            assert {tag["key"]: tag["value"] for tag in one["tags"]} == tags.of_platform("shared"), kind


def test_given_a_role_when_made_then_exactly_its_subjects_with_that_audience_take_it(engine: Recorder) -> None:
    account(engine)

    for role in engine.of("iam:Role").values():
        (trusted,) = role["assumeRolePolicyDocument"]["Statement"]
        kind = role["roleName"].removeprefix("aifactory-ci-")
        assert trusted["Condition"] == {
            "StringEquals": {
                f"{VALID['issuer']}:aud": "sts.amazonaws.com",
                f"{VALID['issuer']}:sub": VALID["subjects"][kind],
            }
        }


def test_given_the_role_that_reads_when_made_then_it_writes_nothing_but_locks(engine: Recorder) -> None:
    account(engine)

    (role,) = (one for one in engine.of("iam:Role").values() if one["roleName"] == "aifactory-ci-reads")
    found = statements(role["policies"][0]["policyDocument"])
    writing = {sid for sid, one in found.items() if {"s3:PutObject", "s3:DeleteObject"} & {*one["Action"]}}
    assert writing == {"Locks"}
    assert found["Locks"]["Resource"].endswith("/.pulumi/locks/*")


def test_given_the_role_that_applies_when_made_then_it_makes_bounded_roles_only_and_not_itself(
    engine: Recorder,
) -> None:
    account(engine)

    (role,) = (one for one in engine.of("iam:Role").values() if one["roleName"] == "aifactory-ci-applies")
    found = statements(role["policies"][0]["policyDocument"])
    making = {sid for sid, one in found.items() if {"iam:CreateRole", "iam:PutRolePolicy"} & {*one["Action"]}}
    assert making == {"BoundedRoles"}
    assert "iam:PermissionsBoundary" in found["BoundedRoles"]["Condition"]["ArnLike"]
    assert found["NotItself"]["Effect"] == "Deny"


def test_given_the_forges_provider_in_the_account_when_run_then_no_second_one_is_made(engine: Recorder) -> None:
    account(engine, makes_provider=False)

    assert engine.of("iam:OidcProvider") == {}
    (trusted,) = next(iter(engine.of("iam:Role").values()))["assumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"]["Federated"].endswith("oidc-provider/token.actions.githubusercontent.com")


def test_given_one_account_when_run_then_nobody_else_is_let_into_its_bucket(engine: Recorder) -> None:
    account(engine, accounts=["111122223333"])

    (found,) = engine.of("s3:BucketPolicy").values()
    assert set(statements(found["policyDocument"])) == {"TlsOnly"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"account": "12"}, "account.account: String should match"),
        ({"colour": "red"}, "account.colour: Extra inputs"),
        ({"subjects": None}, "account.subjects: Input should be an object"),
    ],
)
def test_given_an_invalid_setting_when_run_then_one_line_says_so(
    engine: Recorder,
    changed: dict[str, Any],
    sentence: str,
) -> None:
    with pytest.raises(pulumi.RunError, match=sentence):
        account(engine, **changed)
