"""The platform's stacks on AWS by the real engine, on a plugin that stands in: whole, the same, gone again."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
import yaml

from aifactory.home import Home
from aifactory.provision import bootstrap, destruction, engine, platform_file, stacks, state_move
from aifactory.provision.run import run
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError
from infra.components.aws.outputs import PlatformOutputs
from infra.platform.settings import PlatformSettings
from tests.clouds.conftest import REGION
from tests.infra.engine import INFRA
from tests.infra.test_platform_settings import VALID

pytestmark = pytest.mark.slow

MOTOS = "123456789012"
SETTINGS = PlatformSettings.model_validate_json(json.dumps(VALID).replace("111122223333", MOTOS))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which the stand-in takes the place of the vendor's plugin, for stacks with a state like any."""
    engine.ensure(print)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(stacks, "_plugins", lambda _stack: {"aws-native": INFRA / "providers" / "emulated"})
    return Home(tmp_path / "home" / "aws")


def in_home(stack: Stack) -> Stack:
    return Stack(stack.name, stack.project, stack.environment, stack.configuration, stack.provider)


@pytest.mark.parametrize("environment", ["shared", "prod"])
def test_given_a_platform_when_brought_up_then_it_is_whole_differs_in_nothing_and_goes_again(
    home: Home, environment: str
) -> None:
    stack = in_home(stacks.cloud_platform(environment, SETTINGS))

    made = run("up", stack, home, print)

    assert set(made.changes) == {"create"}
    if environment == "prod":
        told = PlatformOutputs.model_validate(made.outputs)
        assert (told.account, told.bucket) == ("444455556666", f"aifactory-platform-{MOTOS}")
        assert told.vpc is not None
    assert run("preview", stack, home, print).same
    assert run("refresh", stack, home, print).same
    assert set(run("destroy", stack, home, print).changes) == {"delete"}
    assert stacks.known(home) == []


@pytest.mark.usefixtures("aws")
def test_given_a_new_account_when_bootstrapped_then_its_state_lies_in_it_and_again_changes_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(SETTINGS.model_dump_json(by_alias=True, exclude_unset=True))
    (tmp_path / platform_file.FILE).write_text(yaml.safe_dump(content))
    there = bootstrap.stack(SETTINGS, bootstrap.look())
    assert not state_move.lies_there(there, home)
    run("up", in_home(there), home, print)  # killed before the move
    assert run("preview", in_home(there), home, print).same
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FactoryError, match=f"account-{MOTOS} has not moved yet"):
        destruction.planned([], [], everything=True)
    bucket, kms = f"aifactory-platform-{MOTOS}", boto3.client("kms")
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    key = kms.create_key()["KeyMetadata"]["KeyId"]  # the stand-in makes neither of both in this server
    kms.create_alias(AliasName="alias/aifactory-state", TargetKeyId=key)

    first = bootstrap.bootstrap(tmp_path, home, print)
    again = bootstrap.bootstrap(tmp_path, home, print)

    assert first.changed == again.changed == []
    assert first.roles["applies"] == f"arn:aws:iam::{MOTOS}:role/aifactory-ci-applies"
    assert state_move.lies_there(there, home)
    assert not stacks.in_file_backend(f"file://{home.state}", there.project, there.name)
