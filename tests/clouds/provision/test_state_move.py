"""The engine's state moves from the home into a bucket, with its secrets by a key there: on servers that stand in."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from aifactory.home import Home
from aifactory.provision import cloud_state, state_move
from aifactory.provision.run import run, workspace
from aifactory.provision.stacks import Stack
from aifactory_runtime.errors import FactoryError
from tests.clouds.conftest import REGION

pytestmark = pytest.mark.slow

ALIAS, SECRET = "alias/aifactory-state-moved", "nobody may read this"
PROGRAM = f"""
import pulumi
pulumi.export("bucket", "made")
pulumi.export("token", pulumi.Output.secret("{SECRET}"))
"""


@dataclass(frozen=True)
class OwnStack(Stack):
    """A stack that runs a program of the test's own, which needs no plugin."""

    folder: str = ""

    @property
    def program(self) -> Path:
        return Path(self.folder)


@pytest.fixture
def bucket(aws: str) -> str:  # noqa: ARG001
    """The bucket of an account that has it and the key, as the first `up` leaves it."""
    s3, kms, name = boto3.client("s3"), boto3.client("kms"), f"aifactory-platform-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with suppress(kms.exceptions.AlreadyExistsException):
        kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    return name


def own(folder: Path, state: cloud_state.State) -> OwnStack:
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: aifactory-bootstrap\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return OwnStack(
        "account-1", "aifactory-bootstrap", "shared", {"target": "aws"}, {}, state.backend, state.secrets, str(folder)
    )


def stored(bucket: str) -> str:
    key = ".pulumi/stacks/aifactory-bootstrap/account-1.json"
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def test_given_state_in_the_home_when_moved_then_it_lies_in_the_bucket_and_its_secrets_open_by_the_key_alone(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    home = Home(tmp_path / "home")
    said: list[str] = []
    here = own(tmp_path / "program", cloud_state.State())
    there = own(tmp_path / "program", cloud_state.of(bucket, REGION, ALIAS))
    run("up", here, home, print)
    assert not state_move.lies_there(there, home)

    state_move.move(here, there, home, said.append)

    assert state_move.lies_there(there, home)
    assert said == [f"account-1: the state is in s3://{bucket} now"]
    assert not (home.state / ".pulumi" / "stacks" / "aifactory-bootstrap" / "account-1.json").exists()
    written = json.loads(stored(bucket))
    assert written["checkpoint"]["latest"]["secrets_providers"]["type"] == "cloud"
    assert SECRET not in stored(bucket)
    home.passphrase.unlink()
    result = run("up", there, home, print)
    assert (result.same, result.outputs["bucket"]) == (True, "made")
    away = Home(tmp_path / "another machine")
    assert run("preview", there, away, print).same


def test_given_a_move_that_was_killed_when_begun_anew_then_it_is_whole(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    home = Home(tmp_path / "home")
    here = own(tmp_path / "program", cloud_state.State())
    there = own(tmp_path / "program", cloud_state.of(bucket, REGION, ALIAS))
    run("up", here, home, print)
    calls: list[str] = []

    def killed(stack: Stack, home: Home) -> object:
        calls.append(stack.backend)
        if len(calls) == 3:  # all is copied, nothing is forgotten
            raise KeyboardInterrupt
        return workspace(stack, home)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(state_move, "workspace", killed)
        state_move.move(here, there, home, print)
    assert not state_move.lies_there(there, home)

    run("up", here, home, print)
    state_move.move(here, there, home, print)

    assert state_move.lies_there(there, home)
    assert run("preview", there, home, print).same


@pytest.mark.usefixtures("aws")
def test_given_no_bucket_when_asked_where_the_state_lies_then_it_is_not_there(tmp_path: Path) -> None:
    there = own(tmp_path / "program", cloud_state.of("aifactory-platform-none", REGION, ALIAS))

    assert not state_move.lies_there(there, Home(tmp_path))


@pytest.mark.usefixtures("aws")
def test_given_no_bucket_when_up_then_one_line_says_what_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    there = own(tmp_path / "program", cloud_state.of("aifactory-platform-none", REGION, ALIAS))

    with pytest.raises(FactoryError, match="factory bootstrap aws") as refused:
        run("up", there, Home(tmp_path / "home"), print)

    assert "\n" not in str(refused.value)
