"""The evaluator against what AWS's own documentation says of its rules; else no probe would say anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clouds.rights.evaluator import Request, allowed, may_take

ROLE = "arn:aws:iam::111122223333:role/ana"
OBJECT = "arn:aws:s3:::carlossalazar/logs/one"


def document(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}}


def asks(action: str = "s3:GetObject", resource: str = OBJECT, **context: str) -> Request:
    return Request(ROLE, action, resource, {key.replace("__", ":"): value for key, value in context.items()})


ALL = document(Action="*", Resource="*")
S3 = document(Action="s3:*", Resource=["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"])
TLS = {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(
    ("wanted", "identity", "request_"),
    [
        (False, [], asks()),
        (True, [S3], asks()),
        (True, [S3], asks("S3:getobject")),
        (False, [S3], asks(resource="arn:aws:s3:::other/logs/one")),
        (False, [S3, document(Effect="Deny", Action="s3:*", Resource="*/logs*")], asks()),
        # NotAction with Allow: everything else, which is no deny of what it leaves out.
        (False, [document(NotAction="iam:*", Resource="*")], asks("iam:CreateRole", "*")),
        (True, [document(NotAction="iam:*", Resource="*"), ALL], asks("iam:CreateRole", "*")),
        # NotResource with Deny: all buckets but one.
        (True, [ALL, document(Effect="Deny", Action="s3:*", NotResource="arn:aws:s3:::carlossalazar*")], asks()),
        (
            False,
            [ALL, document(Effect="Deny", Action="s3:*", NotResource="arn:aws:s3:::carlossalazar*")],
            asks(resource="arn:aws:s3:::other/x"),
        ),
        # A key that is not there: positive operators do not hold, negated and IfExists do, Null asks for it.
        (False, [document(Action="*", Resource="*", Condition={"StringEquals": {"aws:x": "1"}})], asks()),
        (True, [document(Action="*", Resource="*", Condition={"StringNotEquals": {"aws:x": "1"}})], asks()),
        (True, [document(Action="*", Resource="*", Condition={"StringEqualsIfExists": {"aws:x": "1"}})], asks()),
        (True, [document(Action="*", Resource="*", Condition={"StringNotEqualsIfExists": {"aws:x": "1"}})], asks()),
        (True, [document(Action="*", Resource="*", Condition={"Null": {"aws:x": "true"}})], asks()),
        (False, [document(Action="*", Resource="*", Condition={"Null": {"aws:x": "true"}})], asks(aws__x="1")),
        # Of values one is enough, of keys and operators all; with a negated operator none may hit.
        (True, [document(Action="*", Resource="*", Condition={"StringEquals": {"a:x": ["1", "2"]}})], asks(a__x="2")),
        (
            False,
            [document(Action="*", Resource="*", Condition={"StringNotEquals": {"a:x": ["1", "2"]}})],
            asks(a__x="2"),
        ),
        (
            False,
            [document(Action="*", Resource="*", Condition={"StringEquals": {"a:x": "1", "a:y": "1"}})],
            asks(a__x="1"),
        ),
        (True, [document(Action="*", Resource="arn:aws:s3:::carlossalazar/${a:x}/*")], asks(a__x="logs")),
        (False, [document(Action="*", Resource="arn:aws:s3:::carlossalazar/${a:x}/*")], asks()),
    ],
)
def test_given_a_rule_of_the_documentation_when_decided_then_it_holds(
    wanted: bool, identity: list[dict[str, Any]], request_: Request
) -> None:
    assert allowed(request_, identity) is wanted


def test_given_a_boundary_when_a_policy_allows_more_then_only_what_both_allow_is_allowed() -> None:
    boundary = document(Action=["s3:*", "cloudwatch:*", "ec2:*"], Resource="*")

    assert not allowed(
        asks("iam:CreateUser", "*"), [document(Action="iam:CreateUser", Resource="*")], boundary=boundary
    )
    assert allowed(asks(), [S3], boundary=boundary)
    assert not allowed(asks(), [], boundary=boundary)


def test_given_a_buckets_policy_when_it_allows_or_denies_then_it_adds_or_wins() -> None:
    named = document(Principal={"AWS": ROLE}, Action="s3:GetObject", Resource="arn:aws:s3:::carlossalazar/*")
    denied = document(Effect="Deny", Principal="*", Action="s3:*", Resource="*", Condition=TLS)

    assert allowed(asks(), [], resource=named)
    assert not allowed(asks(aws__SecureTransport="false"), [S3], resource=denied)
    assert allowed(asks(aws__SecureTransport="true"), [S3], resource=denied)


def test_given_a_condition_that_is_not_known_when_decided_then_it_is_an_error_and_not_an_answer() -> None:
    with pytest.raises(KeyError):
        allowed(asks(a__x="1"), [document(Action="*", Resource="*", Condition={"IpAddress": {"a:x": "10.0.0.0/8"}})])


def test_given_a_trust_policy_when_a_token_says_another_subject_then_nobody_is_let_in() -> None:
    trust = document(
        Principal={"Federated": "p"},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"p:sub": "me"}},
    )
    for subject, wanted in (("me", True), ("you", False)):
        request_ = Request("-", "sts:AssumeRoleWithWebIdentity", "-", {"p:sub": subject})
        assert may_take(trust, request_, {"Federated": "p"}) is wanted
