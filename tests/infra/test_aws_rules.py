"""The rules about resources of AWS, each kept once and broken once; what is said never quotes a value."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from infra.conventions import tags
from infra.policies import aws_rules, rules
from infra.policies.aws_rules import Seen

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
TAGS = [{"key": key, "value": value} for key, value in tags.of_platform("dev").items()]
PROD = [{"key": key, "value": value} for key, value in tags.of_platform("prod").items()]
TLS = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
BY_KEY = {"serverSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}}
NOTICE = {"subscribers": [{"subscriptionType": "SNS", "address": "t"}]}
IDLE = {"jupyterLabAppSettings": {"appLifecycleManagement": {"idleSettings": {"lifecycleManagement": "ENABLED"}}}}

GOOD: dict[str, dict[str, Any]] = {
    "s3:Bucket": {
        "bucketEncryption": {"serverSideEncryptionConfiguration": [BY_KEY]},
        "publicAccessBlockConfiguration": dict.fromkeys(aws_rules.CLOSED, True),
        "tags": TAGS,
    },
    "s3:BucketPolicy": {"policyDocument": {"Statement": [TLS]}},
    "ecr:Repository": {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": KEY}, "tags": TAGS},
    "logs:LogGroup": {"kmsKeyId": KEY, "tags": TAGS},
    "sns:Topic": {"kmsMasterKeyId": KEY, "tags": TAGS},
    "sqs:Queue": {"sqsManagedSseEnabled": True, "tags": TAGS},
    "cloudtrail:Trail": {"kmsKeyId": KEY, "tags": TAGS},
    "kms:Key": {"enableKeyRotation": True, "tags": TAGS},
    "sagemaker:Domain": {"kmsKeyId": KEY, "defaultUserSettings": IDLE, "tags": TAGS},
    "sagemaker:Space": {"spaceSettings": {"instanceType": "ml.t3.medium"}, "tags": TAGS},
    "sagemaker:EndpointConfig": {"productionVariants": [{"instanceType": "ml.m5.large"}], "tags": TAGS},
    "ec2:Subnet": {"availabilityZone": "eu-west-1a", "tags": TAGS},
    "ec2:SecurityGroup": {"securityGroupIngress": [{"cidrIp": "10.80.0.0/20"}], "tags": TAGS},
    "budgets:Budget": {
        "budget": {"budgetLimit": {"amount": 100, "unit": "USD"}},
        "notificationsWithSubscribers": [{"notification": {"threshold": at}, **NOTICE} for at in (50, 80, 100)],
        "resourceTags": TAGS,
    },
    "sagemaker:ModelPackageGroup": {"tags": PROD},
    "sagemaker:NotebookInstance": {"tags": PROD},
}


def seen(kind: str, **changes: Any) -> Seen:
    properties = copy.deepcopy(GOOD[kind]) | changes
    return Seen(f"aws-native:{kind}", properties, True, frozenset({"tags"}), "eu-west-1")


def said(found: Seen) -> dict[str, list[str]]:
    return {name: lines for name, rule in aws_rules.RULES.items() if (lines := list(rule(found)))}


@pytest.mark.parametrize("kind", GOOD)
def test_given_a_resource_as_it_should_be_when_checked_then_nothing_is_said(kind: str) -> None:
    assert said(seen(kind)) == {}
    assert list(rules.mandatory_tags(f"aws-native:{kind}", GOOD[kind])) == []


OPEN = {"Statement": [TLS, {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
BROKEN: list[tuple[str, str, dict[str, Any], str]] = [
    ("encrypted", "s3:Bucket", {"bucketEncryption": {}}, "write sse_algorithm aws:kms"),
    ("encrypted", "ecr:Repository", {"encryptionConfiguration": {"encryptionType": "AES256"}}, "encryption_type KMS"),
    ("encrypted", "logs:LogGroup", {"kmsKeyId": None}, "write the platform's key"),
    ("encrypted", "sns:Topic", {"kmsMasterKeyId": None}, "write the platform's key"),
    ("encrypted", "sqs:Queue", {"sqsManagedSseEnabled": False}, "write the platform's key"),
    ("encrypted", "cloudtrail:Trail", {"kmsKeyId": None}, "write the platform's key"),
    ("encrypted", "sagemaker:Domain", {"kmsKeyId": None}, "write the platform's key"),
    ("encrypted", "kms:Key", {"enableKeyRotation": False}, "write true"),
    ("not-public", "s3:Bucket", {"publicAccessBlockConfiguration": {}}, "lacks blockPublicAcls"),
    ("not-public", "s3:BucketPolicy", {"policyDocument": OPEN}, "name an account's or a service's principal"),
    ("not-public", "s3:BucketPolicy", {"policyDocument": {"Statement": []}}, "aws:SecureTransport is false"),
    ("not-public", "ec2:SecurityGroup", {"securityGroupIngress": [{"cidrIp": "0.0.0.0/0"}]}, "address_range"),
    ("not-public", "ec2:Subnet", {"mapPublicIpOnLaunch": True}, "leave it out"),
    ("size-with-a-price", "sagemaker:Space", {"spaceSettings": {"instanceType": "ml.p5.48xlarge"}}, "ml.m5.large"),
    ("region-of-platform", "ec2:Subnet", {"availabilityZone": "us-east-1a"}, "the environment's region"),
    ("budget-tells", "budgets:Budget", {"budget": {}}, "write budget_month"),
    ("budget-tells", "budgets:Budget", {"notificationsWithSubscribers": []}, "lacks 50, 80, 100"),
    ("no-idle-cost", "sagemaker:NotebookInstance", {"tags": TAGS}, "make it in prod only"),
    ("no-idle-cost", "sagemaker:Domain", {"defaultUserSettings": {}}, "write lifecycle_management ENABLED"),
]


@pytest.mark.parametrize(("policy", "kind", "changes", "instead"), BROKEN)
def test_given_one_thing_wrong_when_checked_then_its_policy_says_what_to_write(
    policy: str, kind: str, changes: dict[str, Any], instead: str
) -> None:
    found = said(seen(kind, **changes))

    assert [*found] == [policy]
    assert instead in found[policy][0]


def test_given_options_that_lack_something_when_checked_then_their_policies_say_so() -> None:
    bare = Seen("aws-native:s3:Bucket", GOOD["s3:Bucket"] | {"tags": PROD})
    domain = Seen("aws-native:sagemaker:Domain", GOOD["sagemaker:Domain"])
    elsewhere = Seen("aws-native:sqs:Queue", GOOD["sqs:Queue"], region="mars-north-1")

    assert "write protect=True" in said(bare)["protected-prod"][0]
    assert 'write ignore_changes=["tags"]' in said(domain)["tags-replace-nothing"][0]
    assert [*said(elsewhere)] == ["region-of-platform"]


def test_given_every_policy_then_each_was_broken_once() -> None:
    by_options = {"protected-prod", "tags-replace-nothing"}

    assert {policy for policy, *_ in BROKEN} | by_options == set(aws_rules.RULES)


def test_given_a_value_that_is_wrong_when_it_is_told_then_it_is_not_quoted() -> None:
    secret = "hunter2"
    wrong = [
        seen("sagemaker:Space", instanceType=secret),
        seen("ec2:Subnet", availabilityZone=secret),
        Seen("aws-native:sqs:Queue", GOOD["sqs:Queue"], region=secret),
    ]

    sentences = [sentence for one in wrong for lines in said(one).values() for sentence in lines]

    assert len(sentences) == len(wrong)
    assert [sentence for sentence in sentences if secret in sentence] == []


def test_given_a_resource_of_aws_without_a_tag_when_checked_then_it_is_named() -> None:
    (sentence,) = rules.mandatory_tags("aws-native:s3:Bucket", {"tags": [one for one in TAGS if one["key"] != "owner"]})

    assert sentence.startswith("tags lack owner: ")
    assert list(rules.mandatory_tags("aws-native:s3:BucketPolicy", {})) == []
