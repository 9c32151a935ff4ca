"""The stand-in for aws-native refuses what AWS's schemas refuse, and keeps its world as AWS would."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.providers.emulated.aws.cloud import Cloud
from infra.providers.emulated.plugin import EmulatedProvider
from infra.providers.protocol.failure import Failure
from infra.providers.protocol.messages import provider_pb2 as wire
from infra.providers.protocol.values import UNKNOWN, has_unknown, plain_map, wire_map

VARIANT = {
    "variantName": "champion",
    "modelName": "m",
    "initialInstanceCount": 1,
    "instanceType": "ml.m5.large",
    "initialVariantWeight": 1,
}


@pytest.fixture
def provider(tmp_path: Path) -> EmulatedProvider:
    """AWS in eu-west-1, empty."""
    made = EmulatedProvider(Cloud(), tmp_path)
    asyncio.run(made.configure(wire.ConfigureRequest(variables={"aws-native:config:region": "eu-west-1"})))
    return made


def urn(token: str, name: str = "x") -> str:
    return f"urn:pulumi:dev::p::a:b:C${token}::{name}"


def refused(provider: EmulatedProvider, token: str, **inputs: Any) -> dict[str, str]:
    """Property to reason."""
    request = wire.CheckRequest(urn=urn(token), news=wire_map(inputs))
    return {found.property: found.reason for found in asyncio.run(provider.check(request)).failures}


def make(provider: EmulatedProvider, token: str, resource: str = "x", **inputs: Any) -> tuple[str, dict[str, Any]]:
    """Id and state, by way of the check."""
    checked = asyncio.run(provider.check(wire.CheckRequest(urn=urn(token, resource), news=wire_map(inputs))))
    assert not checked.failures
    made = asyncio.run(provider.create(wire.CreateRequest(urn=urn(token, resource), properties=checked.inputs)))
    return made.id, plain_map(made.properties)


def replaced(provider: EmulatedProvider, token: str, before: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    """Inputs that replace the resource."""
    request = wire.DiffRequest(urn=urn(token), id="x", old_inputs=wire_map(before), news=wire_map(inputs))
    return list(asyncio.run(provider.diff(request)).replaces)


@pytest.mark.parametrize(
    ("token", "inputs", "key", "said"),
    [
        ("logs:LogGroup", {"retentionInDays": 91}, "retentionInDays", "retentionInDays is 91: use one of"),
        ("logs:LogGroup", {"retentionDays": 90}, "retentionDays", "is not known here: use one of"),
        ("s3:Bucket", {"bucketName": "b" * 64}, "bucketName", "has 64 characters: 63 at most"),
        ("s3:Bucket", {"arn": "arn:aws:s3:::b"}, "arn", "arn is set by AWS: leave it out"),
        ("events:Rule", {"state": "ON"}, "state", "is 'ON': use one of DISABLED, ENABLED"),
        ("iam:Role", {"roleName": "r"}, "assumeRolePolicyDocument", "is missing: give it"),
        ("kms:Key", {"enableKeyRotation": "yes"}, "enableKeyRotation", "is 'yes': give a boolean"),
        ("kms:Key", {"pendingWindowInDays": 3}, "pendingWindowInDays", "is 3: 7 is the least"),
        (
            "sagemaker:Endpoint",
            {"endpointName": "a_b", "endpointConfigName": "c"},
            "endpointName",
            "is 'a_b': it has to match",
        ),
        (
            "sagemaker:EndpointConfig",
            {"productionVariants": [{**VARIANT, "instanceType": "ml.m5.larg"}]},
            "productionVariants",
            "productionVariants[0].instanceType is 'ml.m5.larg': use one of ml.m5.large",
        ),
        (
            "sagemaker:EndpointConfig",
            {"productionVariants": [{**VARIANT, "kmsKey": "k"}]},
            "productionVariants",
            "productionVariants[0].kmsKey is not known here",
        ),
    ],
)
def test_given_a_bad_input_when_it_is_checked_then_the_property_and_what_is_right_are_named(
    provider: EmulatedProvider, token: str, inputs: dict[str, Any], key: str, said: str
) -> None:
    assert said in refused(provider, f"aws-native:{token}", **inputs)[key]


def test_given_a_valid_neighbour_of_each_when_it_is_checked_then_it_passes(provider: EmulatedProvider) -> None:
    assert not refused(provider, "aws-native:logs:LogGroup", retentionInDays=90)
    assert not refused(provider, "aws-native:s3:Bucket", bucketName="b" * 63)
    assert not refused(provider, "aws-native:iam:Role", assumeRolePolicyDocument={"Statement": []})
    assert not refused(provider, "aws-native:sagemaker:EndpointConfig", productionVariants=[VARIANT])
    assert not refused(provider, "aws-native:sagemaker:EndpointConfig", productionVariants=UNKNOWN)


def test_given_a_region_that_is_none_when_it_is_configured_then_the_regions_are_listed(tmp_path: Path) -> None:
    provider = EmulatedProvider(Cloud(), tmp_path)
    with pytest.raises(Failure, match=r"region: mars-1 is none of AWS's; use one of .*eu-west-1"):
        asyncio.run(provider.configure(wire.ConfigureRequest(variables={"aws-native:config:region": "mars-1"})))


def test_given_no_name_when_it_is_checked_then_one_is_made_and_kept(provider: EmulatedProvider) -> None:
    token = urn("aws-native:sagemaker:Model", "m")
    first = plain_map(asyncio.run(provider.check(wire.CheckRequest(urn=token, news=wire_map({})))).inputs)
    again = asyncio.run(provider.check(wire.CheckRequest(urn=token, news=wire_map({}), olds=wire_map(first))))
    assert first["modelName"].startswith("m-")
    assert plain_map(again.inputs) == first


def test_given_a_preview_when_it_is_created_then_what_aws_sets_is_not_known_yet(provider: EmulatedProvider) -> None:
    request = wire.CreateRequest(urn=urn("aws-native:kms:Key"), properties=wire_map({}), preview=True)
    found = plain_map(asyncio.run(provider.create(request)).properties)
    assert has_unknown(found["arn"])
    assert has_unknown(found["keyId"])
    assert not provider.world.things()


def test_given_a_create_only_input_when_it_changes_then_the_resource_is_replaced(provider: EmulatedProvider) -> None:
    before = {"bucketName": "a", "tags": [{"key": "k", "value": "1"}]}
    assert replaced(provider, "aws-native:s3:Bucket", before, {**before, "bucketName": "b"}) == ["bucketName"]
    assert replaced(provider, "aws-native:s3:Bucket", before, {**before, "tags": []}) == []
    nested = {"budget": {"budgetName": "a", "budgetType": "COST", "timeUnit": "MONTHLY"}}
    other = {"budget": {**nested["budget"], "budgetName": "b"}}
    assert replaced(provider, "aws-native:budgets:Budget", nested, other) == ["budget"]
    more = {"budget": {**nested["budget"], "budgetType": "USAGE"}}
    assert replaced(provider, "aws-native:budgets:Budget", nested, more) == []


def test_given_a_taken_name_when_another_is_made_then_it_is_refused_with_its_owner(provider: EmulatedProvider) -> None:
    make(provider, "aws-native:s3:Bucket", "first", bucketName="data")
    with pytest.raises(Failure, match=r"AlreadyExists: .*data belongs to urn:.*first: choose another name"):
        make(provider, "aws-native:s3:Bucket", "second", bucketName="data")


def test_given_a_deleted_secret_when_its_name_is_taken_again_then_it_is_still_held(provider: EmulatedProvider) -> None:
    token = "aws-native:secretsmanager:Secret"
    identity, state = make(provider, token, name="login")
    asyncio.run(provider.delete(wire.DeleteRequest(urn=urn(token), id=identity, properties=wire_map(state))))
    assert not provider.world.things()
    with pytest.raises(Failure, match=r"login was deleted .* and its name is not free yet: choose another"):
        make(provider, token, name="login")


def test_given_a_damaged_thing_when_it_is_read_then_its_file_is_named(provider: EmulatedProvider) -> None:
    identity, _ = make(provider, "aws-native:sns:Topic", topicName="t")
    next(provider.world.folder.rglob("*.json")).write_text("{", encoding="utf-8")
    with pytest.raises(Failure, match=r"t\.json is damaged .*: mend it, or remove it"):
        asyncio.run(provider.read(wire.ReadRequest(urn=urn("aws-native:sns:Topic"), id=identity)))


def test_given_an_id_alone_when_it_is_read_then_it_is_imported(provider: EmulatedProvider) -> None:
    identity, state = make(provider, "aws-native:sns:Topic", topicName="t")
    found = asyncio.run(provider.read(wire.ReadRequest(urn=urn("aws-native:sns:Topic", "other"), id=identity)))
    assert plain_map(found.properties) == state
    assert plain_map(found.inputs) == {"topicName": "t"}


def test_given_no_region_when_it_is_configured_then_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Failure, match="aws-native:region is missing"):
        asyncio.run(EmulatedProvider(Cloud(), tmp_path).configure(wire.ConfigureRequest()))


def test_given_an_allowed_account_when_it_is_asked_for_then_ids_are_of_it(tmp_path: Path) -> None:
    provider = EmulatedProvider(Cloud(), tmp_path)
    config = {"aws-native:config:region": "cn-north-1", "aws-native:config:allowedAccountIds": '["210987654321"]'}
    asyncio.run(provider.configure(wire.ConfigureRequest(variables=config)))
    assert invoked(provider, "getAccountId") == {"accountId": "210987654321"}
    assert invoked(provider, "getRegion") == {"region": "cn-north-1"}
    assert invoked(provider, "getPartition") == {"partition": "aws-cn", "dnsSuffix": "amazonaws.com.cn"}
    assert invoked(provider, "getAzs") == {"azs": ["cn-north-1a", "cn-north-1b", "cn-north-1c"]}
    with pytest.raises(Failure, match="aws-native:index:getMoon is not emulated; emulated are getAccountId"):
        invoked(provider, "getMoon")


def invoked(provider: EmulatedProvider, name: str) -> dict[str, Any]:
    request = wire.InvokeRequest(tok=f"aws-native:index:{name}", args=wire_map({}))
    return plain_map(getattr(asyncio.run(provider.invoke(request)), "return"))


@pytest.mark.parametrize("made", [False, True])
def test_given_a_scripted_failure_when_a_resource_is_made_then_it_fails_once(
    provider: EmulatedProvider, tmp_path: Path, made: bool
) -> None:
    script = [{"type": "aws-native:sns:*", "name": "al*", "message": "Throttling: slow down", "made": made}]
    (tmp_path / "failures.json").write_text(json.dumps(script), encoding="utf-8")
    make(provider, "aws-native:sns:Topic", "other", topicName="other")
    with pytest.raises(Failure, match="Throttling: slow down"):
        make(provider, "aws-native:sns:Topic", "alerts", topicName="alerts")
    assert len(provider.world.things()) == 1 + made
    if not made:
        make(provider, "aws-native:sns:Topic", "alerts", topicName="alerts")


def test_given_the_plugin_when_it_starts_then_neither_cfn_lint_nor_pulumi_is_imported() -> None:
    program = (
        "import sys, infra.providers.emulated.plugin, infra.providers.emulated.aws.cloud as c;"
        "from infra.providers.emulated.vendor import Place;"
        "c.Cloud().kind('aws-native:s3:Bucket', Place('1', 'eu-west-1'));"
        "print(sorted({'pulumi', 'cfnlint', 'boto3', 'infra.providers.local'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
