"""What the stand-in made, as one template through cfn-lint: clean as it is, and seeded faults are found."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.providers.emulated.aws.cloud import Cloud
from infra.providers.emulated.plugin import EmulatedProvider
from infra.providers.emulated.template import template
from infra.providers.emulated.world import Thing
from infra.providers.protocol.messages import provider_pb2 as wire
from infra.providers.protocol.values import wire_map

VARIANT = {
    "variantName": "champion",
    "modelName": "m",
    "initialInstanceCount": 1,
    "instanceType": "ml.m5.large",
    "initialVariantWeight": 1,
}
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "data": ("s3:Bucket", {"bucketName": "churn-dev"}),
    "log": ("logs:LogGroup", {"logGroupName": "/aws/churn", "retentionInDays": 90}),
    "topic": ("sns:Topic", {"topicName": "churn"}),
    "ec": ("sagemaker:EndpointConfig", {"endpointConfigName": "churn-dev-1", "productionVariants": [VARIANT]}),
}


@pytest.fixture
def things(tmp_path: Path) -> dict[str, Thing]:
    """What was made, by name."""
    provider = EmulatedProvider(Cloud(), tmp_path)
    asyncio.run(provider.configure(wire.ConfigureRequest(variables={"aws-native:config:region": "eu-west-1"})))
    for name, (token, inputs) in MADE.items():
        urn = f"urn:pulumi:dev::p::aws-native:{token}::{name}"
        asyncio.run(provider.create(wire.CreateRequest(urn=urn, properties=wire_map(inputs))))
    return {thing.urn.rsplit("::", maxsplit=1)[-1]: thing for thing in provider.world.things()}


def found(things: dict[str, Thing], folder: Path) -> str:
    """What cfn-lint says of errors."""
    path = folder / "all.json"
    path.write_text(json.dumps(template(list(things.values()))), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("cfn-lint")), "-r", "eu-west-1", "-i", "W", "-t", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_given_what_was_made_when_it_is_linted_then_only_seeded_faults_are_found(
    things: dict[str, Thing], tmp_path: Path
) -> None:
    assert found(things, tmp_path) == ""
    wrong = {**VARIANT, "instanceType": "ml.m5.larg"}
    seeded = {
        **things,
        "data": replace(things["data"], inputs={"bucketName": "b" * 64}),
        "ec": replace(things["ec"], inputs={**things["ec"].inputs, "productionVariants": [wrong]}),
    }
    said = found(seeded, tmp_path)
    assert f"E3033 '{'b' * 64}' is longer than 63" in said
    assert "E3030 'ml.m5.larg' is not one of" in said
