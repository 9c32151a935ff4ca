"""What a contract and a manifest say of a cloud; those from before, and on one machine, say nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest
from tests.unit.runtime.contract.test_manifest import VALID

KEYS = {
    "region": "eu-central-1",
    "account": "123456789012",
    "endpoint_name": "aifactory-churn-dev",
    "pipeline_name": "aifactory-churn-dev",
    "job_role": "arn:aws:iam::123456789012:role/aifactory-churn-dev-job",
    "service_role": "arn:aws:iam::123456789012:role/aifactory-churn-dev-service",
    "image_uri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/aifactory/churn",
    "kms_key": "arn:aws:kms:eu-central-1:123456789012:key/1b2c",
}


def _contract(**keys: Any) -> EnvironmentContract:
    embedded = environment.embedded(Path("/repo"), Manifest.model_validate(VALID))
    return EnvironmentContract.model_validate({**embedded, "environment": "dev", **keys})


def test_given_a_contract_from_before_when_read_then_it_says_nothing_of_a_cloud() -> None:
    assert {getattr(_contract(), key) for key in KEYS} == {None}
    assert _contract().target == "local"


def test_given_a_contract_of_a_cloud_when_read_then_it_says_where_everything_lies() -> None:
    read = EnvironmentContract.model_validate_json(_contract(target="aws", **KEYS).model_dump_json())

    assert {key: getattr(read, key) for key in KEYS} == KEYS


def test_given_a_manifest_from_before_when_read_then_it_is_of_this_machine() -> None:
    before = {key: value for key, value in VALID.items() if key != "target"}

    assert (Manifest.model_validate(before).target, Manifest.model_validate(before).platform) == ("local", None)


@pytest.mark.parametrize("platform", ["s3://acme-platform", "platforms/acme", "/srv/platform"])
def test_given_a_cloud_and_its_platform_when_read_then_it_is_accepted(platform: str) -> None:
    assert Manifest.model_validate({**VALID, "target": "aws", "platform": platform}).platform == platform


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"target": "aws"}, "platform: target: aws needs the address .* write platform: s3://bucket"),
        ({"target": "local", "platform": "s3://acme"}, "platform: target: local has none; leave platform out"),
        ({"target": "moon", "platform": "s3://acme"}, "target"),
        ({"target": "aws", "platform": ""}, "platform"),
        ({"target": "aws", "platform": "s3://login:key@acme"}, "holds a login, a signature or a key"),
    ],
)
def test_given_a_platform_that_is_none_of_the_target_when_read_then_it_is_refused(
    keys: dict[str, str], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Manifest.model_validate({**VALID, **keys})
