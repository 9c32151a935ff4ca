"""`factory bootstrap aws`: which account it means, what it asks the engine for, and what it refuses before that."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
import yaml
from click.testing import CliRunner

from aifactory.cli.main import factory
from aifactory.home import Home
from aifactory.provision import bootstrap, engine, platform_file, state_move
from aifactory.provision.run import Result
from aifactory.provision.stacks import Stack
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.platform.settings import PlatformSettings
from tests.infra.test_platform_settings import VALID

MOTOS = "123456789012"
PROVIDER = "oidc-provider/token.actions.githubusercontent.com"


def settings(account: str = MOTOS) -> PlatformSettings:
    return PlatformSettings.model_validate_json(json.dumps(VALID).replace("111122223333", account))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A factory repo whose dev is in the account that one is logged in to."""
    found = tmp_path / platform_file.FILE
    found.write_text(yaml.safe_dump(json.loads(settings().model_dump_json(by_alias=True, exclude_unset=True))))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setattr(engine, "ensure", lambda _say: None)
    return tmp_path


@pytest.mark.usefixtures("aws")
def test_given_a_login_when_looked_then_it_is_the_account_and_providers_that_are_not_the_factorys() -> None:
    iam = boto3.client("iam", region_name="us-east-1")
    own = [{"Key": "managed_by", "Value": "aifactory"}]
    arns = [
        iam.create_open_id_connect_provider(Url=f"https://{host}", ThumbprintList=["a" * 40], Tags=tags)[
            "OpenIDConnectProviderArn"
        ]
        for host, tags in (("git.acme.example", own), ("token.actions.githubusercontent.com", []))
    ]
    try:
        assert bootstrap.look() == bootstrap.Standing(MOTOS, (f"arn:aws:iam::{MOTOS}:{PROVIDER}",))
    finally:
        for arn in arns:
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_given_an_account_when_its_stack_is_made_then_roles_are_for_its_environments_and_one_provider() -> None:
    there = bootstrap.Standing(MOTOS, (f"arn:aws:iam::{MOTOS}:{PROVIDER}",))

    found = json.loads(bootstrap.stack(settings(), there).configuration["account"])

    assert found["makes_provider"] is False
    assert found["subjects"]["applies"] == ["repo:acme/factory:environment:dev"]
    assert found["subjects"]["reads"][0] == "repo:acme/factory:environment:dev-read"
    assert (found["region"], found["accounts"]) == ("eu-west-1", [MOTOS, "444455556666"])
    other = json.loads(bootstrap.stack(settings(), bootstrap.Standing("444455556666", ())).configuration["account"])
    assert (other["region"], other["makes_provider"]) == ("eu-west-1", True)
    assert other["subjects"]["applies"] == ["repo:acme/factory:environment:prod"]


@pytest.mark.usefixtures("aws")
def test_given_a_new_account_when_bootstrapped_then_state_begins_in_the_home_and_moves(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []

    def acted(action: str, stack: Stack, _home: Home, _say: object) -> Result:
        done.append((action, stack.backend.partition("?")[0]))
        return Result(stack.name, action, {}, [], {"roles": {"applies": "arn"}})

    def moved(here: Stack, there: Stack, _home: Home, _say: object) -> None:
        done.append(("move", f"{here.backend}>{there.backend.partition('?')[0]}"))

    monkeypatch.setattr(bootstrap, "run", acted)
    monkeypatch.setattr(state_move, "move", moved)

    found = bootstrap.bootstrap(repo, Home(repo / "home"), print)

    bucket = f"s3://aifactory-platform-{MOTOS}"
    assert done == [("up", ""), ("move", f">{bucket}"), ("preview", bucket)]
    assert (found.account, found.region) == (MOTOS, "eu-west-1")
    assert found.backend.startswith(bucket)


@pytest.mark.usefixtures("aws")
def test_given_a_login_to_another_account_when_bootstrapped_then_both_are_named(repo: Path) -> None:
    (repo / platform_file.FILE).write_text(yaml.safe_dump(VALID))

    with pytest.raises(FactoryError, match=rf"logged in to account {MOTOS}, .* log in to 111122223333 or 444455556666"):
        bootstrap.bootstrap(repo, Home(repo / "home"), print)


def test_given_no_file_or_no_cloud_when_bootstrapped_then_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"platform\.yaml is missing"):
        bootstrap.bootstrap(tmp_path, Home(tmp_path), print)
    (tmp_path / platform_file.FILE).write_text("schema: 1\nenvironments: {dev: {target: local}}\n")
    with pytest.raises(UsageProblem, match="no environment has target: aws"):
        bootstrap.bootstrap(tmp_path, Home(tmp_path), print)


def test_given_no_login_when_looked_then_one_line_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(FactoryError, match="log in with aws sso login") as refused:
        bootstrap.look()

    assert "\n" not in str(refused.value)


def test_given_this_machine_when_bootstrapped_then_the_clouds_are_named() -> None:
    found = CliRunner().invoke(factory, ["bootstrap", names.LOCAL])

    assert found.exit_code == 2
    assert "aws" in found.output
