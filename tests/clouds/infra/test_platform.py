"""The platform's stacks on AWS under mocks: what they ask for, by a valid entry of platform.yaml and invalid ones."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from aifactory_runtime.contract import names
from infra.components.aws.outputs import PlatformOutputs
from infra.conventions import tags
from infra.platform.settings import PlatformSettings
from tests.fixtures import mocked_engine
from tests.infra.test_platform_settings import VALID

UNTAGGED = frozenset(
    (
        *("kms:Alias", "s3:BucketPolicy", "sns:TopicPolicy", "sns:Subscription", "iam:ManagedPolicy"),
        *("ec2:SubnetRouteTableAssociation", "ec2:SecurityGroupIngress", "ec2:SecurityGroupEgress"),
    )
)
"""Kinds that the vendor gives no tags."""


class Recorder(mocked_engine.Recorder):
    """AWS's provider, which answers with addresses as the vendor forms them."""

    VENDOR = "aws-native:"

    def outputs(self, kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        arn = f"arn:aws:{kind.partition(':')[0]}:eu-west-1:111122223333:{name}"
        if kind == "sagemaker:MlflowApp":
            arn = "arn:aws:sagemaker:eu-west-1:444455556666:mlflow-app/app-ABC1"
        known = ("arn", "topicArn", "policyArn", "keyId", "vpcId", "groupId", "subnetId", "routeTableId", "domainId")
        return {**dict.fromkeys(known, arn), "repositoryUri": "1.dkr.ecr/aifactory", **inputs}


@pytest.fixture
def engine() -> Iterator[Recorder]:
    """A recorder in the engine's place."""
    with mocked_engine.put_back():
        yield Recorder()


def platform(recorder: Recorder, environment: str, entry: str | None = None) -> dict[str, Any]:
    """Run the platform's program for a stack; its exports."""
    valid = PlatformSettings.model_validate(VALID).entry(environment).model_dump_json()
    return program(recorder, "platform", environment=environment, platform=entry or valid)


def program(recorder: Recorder, name: str, **config: str) -> dict[str, Any]:
    """Run a program with these settings; its exports."""
    return mocked_engine.run(recorder, name, target="aws", **config)


def statements(document: Any) -> dict[str, dict[str, Any]]:
    return {one.get("Sid", str(place)): one for place, one in enumerate(document["Statement"])}


@pytest.mark.parametrize("environment", ["shared", "dev", "prod"])
def test_given_a_stack_when_run_then_everything_carries_the_platforms_tags(engine: Recorder, environment: str) -> None:
    platform(engine, environment)

    for kind, name, inputs in engine.asked:
        if ":" not in kind or kind.startswith(("aifactory:", "pulumi:")) or kind in UNTAGGED:
            continue
        given = inputs.get("resourceTags" if kind == "budgets:Budget" else "tags")
        assert {one["key"]: one["value"] for one in given or []} == tags.of_platform(environment), (kind, name)


def test_given_a_ground_when_run_then_its_outputs_are_what_use_cases_read(engine: Recorder) -> None:
    found = PlatformOutputs.model_validate(platform(engine, "prod"))

    assert (found.account, found.region, found.environment) == ("444455556666", "eu-west-1", "prod")
    assert found.repository_uri == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/aifactory"
    assert found.bucket == "aifactory-platform-111122223333"
    assert found.mlflow_url == "https://app-ABC1.mlflow.sagemaker.eu-west-1.app.aws"
    assert found.vpc is not None
    assert len(found.vpc.subnet_ids) == 2


def test_given_a_public_network_when_run_then_no_endpoint_bills_and_use_cases_have_no_network(
    engine: Recorder,
) -> None:
    found = platform(engine, "dev")

    assert found["vpc"] is None
    assert engine.of("ec2:VpcEndpoint") == {}
    (domain,) = engine.of("sagemaker:Domain").values()
    assert domain["appNetworkAccessType"] == "PublicInternetOnly"


def test_given_a_private_network_when_run_then_there_is_no_way_out_but_endpoints(engine: Recorder) -> None:
    platform(engine, "prod")

    doors = {one["serviceName"]: one for one in engine.of("ec2:VpcEndpoint").values()}
    for service in ("sagemaker.api", "sagemaker.runtime", "ecr.api", "ecr.dkr", "logs", "sts", "kms", "events", "s3"):
        assert f"com.amazonaws.eu-west-1.{service}" in doors
    assert "com.amazonaws.eu-west-1.monitoring" in doors
    kinds = {kind for kind, _, _ in engine.asked}
    assert kinds & {"ec2:InternetGateway", "ec2:NatGateway", "ec2:Route"} == set()
    gateway = doors["com.amazonaws.eu-west-1.s3"]
    assert statements(gateway["policyDocument"])["0"]["Condition"]["StringEquals"]["aws:ResourceAccount"] == [
        "444455556666",
        "111122223333",
    ]
    (domain,) = engine.of("sagemaker:Domain").values()
    assert domain["appNetworkAccessType"] == "VpcOnly"


def test_given_a_private_network_when_run_then_subnets_lie_in_two_zones_and_do_not_overlap(engine: Recorder) -> None:
    platform(engine, "prod")

    subnets = engine.of("ec2:Subnet").values()
    assert {one["availabilityZone"] for one in subnets} == {"eu-west-1a", "eu-west-1b"}
    first, second = (ipaddress.ip_network(one["cidrBlock"]) for one in subnets)
    assert not first.overlaps(second)
    assert not any(one["mapPublicIpOnLaunch"] for one in subnets)


def test_given_buckets_when_made_then_they_are_closed_versioned_encrypted_and_by_tls_only(engine: Recorder) -> None:
    platform(engine, "dev")

    buckets = engine.of("s3:Bucket").values()
    assert {one["bucketName"] for one in buckets} == {
        "aifactory-platform-dev-mlflow-111122223333",
        "aifactory-platform-dev-trail-111122223333",
    }
    for one in buckets:
        assert set(one["publicAccessBlockConfiguration"].values()) == {True}
        assert one["versioningConfiguration"] == {"status": "Enabled"}
        (rule,) = one["bucketEncryption"]["serverSideEncryptionConfiguration"]
        assert rule["serverSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    for one in engine.of("s3:BucketPolicy").values():
        assert statements(one["policyDocument"])["TlsOnly"]["Effect"] == "Deny"


def test_given_keys_when_made_then_they_rotate_and_no_other_account_may_use_them(engine: Recorder) -> None:
    platform(engine, "dev")

    (key,) = engine.of("kms:Key").values()
    assert key["enableKeyRotation"] is True
    assert statements(key["keyPolicy"])["Account"]["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert "OtherAccounts" not in statements(key["keyPolicy"])


def test_given_what_is_shared_when_run_then_images_are_immutable_scanned_and_pulled_by_other_accounts(
    engine: Recorder,
) -> None:
    platform(engine, "shared")

    (repository,) = engine.of("ecr:Repository").values()
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    pull = statements(repository["repositoryPolicyText"])["Pull"]
    assert pull["Principal"] == {"AWS": ["arn:aws:iam::444455556666:root"]}
    assert not any("Put" in action or "Upload" in action for action in pull["Action"])
    (key,) = engine.of("kms:Key").values()
    assert statements(key["keyPolicy"])["OtherAccounts"]["Principal"] == {"AWS": ["arn:aws:iam::444455556666:root"]}


def test_given_the_trail_when_made_then_it_records_audit_objects_and_shows_when_it_was_altered(
    engine: Recorder,
) -> None:
    platform(engine, "dev")

    (trail,) = engine.of("cloudtrail:Trail").values()
    assert trail["enableLogFileValidation"] is True
    assert trail["isLogging"] is True
    fields = {one["field"]: one for one in trail["advancedEventSelectors"][0]["fieldSelectors"]}
    assert fields["resources.ARN"]["startsWith"] == ["arn:aws:s3:::audit--"]


def test_given_a_budget_when_made_then_notices_go_out_at_50_80_and_100_percent_of_it(engine: Recorder) -> None:
    platform(engine, "prod")

    (budget,) = engine.of("budgets:Budget").values()
    assert budget["budget"]["budgetLimit"] == {"amount": 900.5, "unit": "USD"}
    found = [one["notification"]["threshold"] for one in budget["notificationsWithSubscribers"]]
    assert found == [50, 80, 100]


def test_given_roles_when_made_then_all_are_bounded_and_none_has_every_right(engine: Recorder) -> None:
    platform(engine, "prod")

    roles = engine.of("iam:Role").values()
    assert len(roles) == 2
    for role in roles:
        assert role["permissionsBoundary"].startswith("arn:aws:iam:")
        for one in role.get("policies") or []:
            for statement in one["policyDocument"]["Statement"]:
                assert "*" not in {*statement["Action"], *statement["Resource"]}
                assert not any(action.endswith(":*") for action in statement["Action"])


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_names_of_the_platform_when_made_then_they_fit_the_vendors_limits(
    engine: Recorder, environment: str
) -> None:
    entry = PlatformSettings.model_validate(VALID).entry("prod").model_dump_json()
    platform(engine, environment, entry)

    longest = {"s3:Bucket": ("bucketName", 63), "iam:Role": ("roleName", 64), "sagemaker:Domain": ("domainName", 63)}
    for kind, (key, limit) in longest.items():
        found = [one[key] for one in engine.of(kind).values()]
        assert found
        assert all(len(name) <= limit for name in found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"site": {"target": "local"}}, "platform.site.target: local is built by another program"),
        ({"issuer": None}, "platform.issuer: Input should be a valid string"),
        ({"colour": "red"}, "platform.colour: Extra inputs are not permitted"),
        ({"shared_account": "12"}, "platform.shared_account: String should match"),
    ],
)
def test_given_an_entry_that_is_not_valid_when_run_then_one_line_says_so_and_nothing_is_made(
    engine: Recorder, change: dict[str, Any], sentence: str
) -> None:
    entry = json.loads(PlatformSettings.model_validate(VALID).entry("dev").model_dump_json())

    with pytest.raises(pulumi.RunError, match=sentence):
        platform(engine, "dev", json.dumps({**entry, **change}))

    assert [kind for kind, _, _ in engine.asked if kind.count(":") == 1] == []
