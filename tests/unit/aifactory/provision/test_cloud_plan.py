"""In the company's factory repo `up` means the platform's stacks in a cloud, kept apart from those of this machine."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory.home import Home
from aifactory.provision import applied, cloud_state, destruction, plan, platform_file, platform_outputs, stacks
from aifactory.provision.environments import tell_use_cases
from aifactory.provision.plan import Place
from aifactory.provision.run import Result
from aifactory_runtime import files
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from infra.components.aws.outputs import PlatformOutputs
from tests.infra.test_platform_settings import VALID
from tests.unit.runtime.contract import test_manifest

PYTHON = Path(sys.executable)
TOLD = {
    "environment": "dev",
    "account": "111122223333",
    "region": "eu-west-1",
    "bucket": "aifactory-platform-111122223333",
    "kmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "repositoryUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/aifactory",
    "mlflowArn": "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/app-A1",
    "mlflowUrl": "https://app-A1.mlflow.sagemaker.eu-west-1.app.aws",
    "oidcProviderArn": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
    "boundaryArn": "arn:aws:iam::111122223333:policy/aifactory-platform-dev-boundary",
    "auditTrail": "aifactory-platform-dev-trail",
    "topicArn": "arn:aws:sns:eu-west-1:111122223333:aifactory-platform-dev-notices",
    "vpc": None,
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The factory repo of a company with dev and prod in a cloud."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / platform_file.FILE).write_text(yaml.safe_dump(VALID), encoding="utf-8")
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path / "home"))
    for variable in ("PULUMI_BACKEND_URL", "FACTORY_EMULATE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(repo)
    return Place.here()


def manifest(platform: str) -> Manifest:
    content = {**copy.deepcopy(test_manifest.VALID), "target": "aws", "platform": platform}
    return Manifest.model_validate(content)


def told(folder: Path, **changed: Any) -> Path:
    """A folder with what the platform says of dev."""
    (folder / "platform").mkdir(parents=True)
    (folder / "platform" / "dev.json").write_text(json.dumps({**TOLD, **changed}))
    return folder


def test_given_a_factory_repo_when_asked_what_is_meant_then_it_is_the_platform_in_the_cloud(place: Place) -> None:
    waves = plan.waves(place, plan.chosen(place, []), PYTHON, with_platform=False)

    assert [[stack.name for stack in wave] for wave in waves] == [["shared"], ["dev", "prod"]]
    assert {stack.target for wave in waves for stack in wave} == {"aws"}
    dev, prod = waves[1]
    assert dev.provider == {"aws-native:region": "eu-west-1", "aws-native:allowedAccountIds": ["111122223333"]}
    assert prod.provider["aws-native:region"] == "eu-west-1"
    assert dev.backend == "s3://aifactory-platform-111122223333?region=eu-west-1&awssdk=v2"
    assert prod.secrets == "awskms://alias/aifactory-state?region=eu-west-1&awssdk=v2"
    assert json.loads(dev.configuration["platform"])["site"]["account"] == "111122223333"


def test_given_a_factory_repo_when_an_environment_is_not_in_the_cloud_then_those_that_are_are_named(
    place: Place,
) -> None:
    with pytest.raises(UsageProblem, match="'staging' is not an environment here; use one of shared, dev, prod"):
        plan.chosen(place, ["staging"])


def test_given_an_environment_in_another_account_when_meant_then_what_is_shared_is_left_to_its_own(
    place: Place,
) -> None:
    found = plan.waves(place, ["prod"], PYTHON, with_platform=False)
    assert [[stack.name for stack in wave] for wave in found] == [["prod"]]
    found = plan.waves(place, ["shared", "prod"], PYTHON, with_platform=False)
    assert [[stack.name for stack in wave] for wave in found] == [["shared"], ["prod"]]


def test_given_stacks_in_a_cloud_when_their_folders_are_written_then_those_of_this_machine_are_others(
    place: Place, tmp_path: Path
) -> None:
    (dev,) = plan.only(plan.waves(place, ["dev"], PYTHON, with_platform=False), ["dev"])[0]
    folder = stacks.write_work_folder(dev, place.home)

    assert folder == tmp_path / "home" / "aws" / "work" / "dev"
    written = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())
    assert written["secretsprovider"] == dev.secrets
    assert written["config"]["aws-native:region"] == "eu-west-1"
    assert stacks.known(place.home) == ["dev"]
    assert stacks.known(Home.current()) == []
    Home.current().check()


def test_given_a_use_case_in_a_cloud_when_planned_then_it_gets_what_the_platform_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    asked = manifest(str(told(tmp_path / "p")))
    place = Place(Home(tmp_path / "home" / "aws"), tmp_path, asked)

    ((stack,),) = plan.waves(place, ["dev"], PYTHON, with_platform=False)

    assert json.loads(stack.configuration["platform"])["kmsKeyArn"] == TOLD["kmsKeyArn"]
    assert stack.provider["aws-native:allowedAccountIds"] == ["111122223333"]
    assert stack.backend.startswith("s3://aifactory-platform-111122223333?region=eu-west-1")
    assert not {"earlier", "later"} & set(stack.configuration)
    stacks.write_work_folder(stack, place.home)
    assert stacks.last_configured("churn.dev", place.home) == stack


def test_given_environments_in_accounts_of_their_own_when_planned_then_each_knows_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    folder = told(tmp_path / "p")
    for name, account in (("staging", "222233334444"), ("prod", "333344445555")):
        (folder / "platform" / f"{name}.json").write_text(json.dumps({**TOLD, "account": account}))
    place = Place(Home(tmp_path / "home" / "aws"), tmp_path, manifest(str(folder)))

    ((stack,),) = plan.waves(place, ["staging"], PYTHON, with_platform=False)

    beside = {key: json.loads(stack.configuration[key])["account"] for key in ("earlier", "later")}
    assert beside == {"earlier": "111122223333", "later": "333344445555"}


def test_given_a_use_case_in_a_cloud_when_its_platform_is_asked_for_then_it_says_where_that_is_made(
    tmp_path: Path,
) -> None:
    place = Place(Home(tmp_path), tmp_path, manifest(str(tmp_path)))

    with pytest.raises(UsageProblem, match="--platform: that of target: aws comes up in the company's factory repo"):
        plan.waves(place, ["dev"], PYTHON, with_platform=True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"has no platform/dev.json: factory up dev in the company's factory repo writes it"),
        ("{", r"platform/dev.json is damaged"),
        (json.dumps({**TOLD, "account": "1"}), r"platform/dev.json is damaged"),
    ],
)
def test_given_nothing_told_when_read_then_one_line_says_what_writes_it(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "platform").mkdir()
        (tmp_path / "platform" / "dev.json").write_text(content)

    with pytest.raises(FactoryError, match=sentence):
        platform_outputs.read(str(tmp_path), "dev")


def test_given_an_environment_that_came_up_when_told_then_use_cases_read_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_outputs, "address", lambda _settings: str(tmp_path / "bucket"))
    said: list[str] = []

    shared, dev = Result("shared", "up", {}, []), Result("dev", "up", {}, [], {**TOLD, "later": 1})
    tell_use_cases(place, [shared, dev], said.append)

    written = f"{tmp_path}/bucket/platform/dev.json"
    assert said == [f"written: {written}; use cases say platform: {tmp_path}/bucket in factory.yaml"]
    assert platform_outputs.read(str(tmp_path / "bucket"), "dev").mlflow_url == TOLD["mlflowUrl"]


def test_given_use_cases_in_the_bucket_when_the_platform_is_destroyed_then_it_is_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = tmp_path / "bucket"
    state = bucket / ".pulumi" / "stacks" / stacks.USECASE
    state.mkdir(parents=True)
    (state / "churn.dev.json").write_text("{}")
    monkeypatch.setattr(platform_outputs, "address", lambda _settings: str(bucket))
    (dev,) = plan.only(plan.waves(place, ["dev"], PYTHON, with_platform=False), ["dev"])[0]
    stacks.write_work_folder(dev, place.home)

    with pytest.raises(FactoryError, match=r"churn\.dev still stand on it"):
        destruction.planned(["dev"], [], everything=False)


def test_given_a_clouds_prod_when_it_is_destroyed_then_it_has_to_be_retired_first(place: Place) -> None:
    platform = PlatformOutputs.model_validate(TOLD)
    prod, dev = (stacks.cloud_usecase(manifest("s3://p"), name, place.home, platform) for name in ("prod", "dev"))

    destruction.refuse_in_use(place.home, [[dev]])
    with pytest.raises(FactoryError, match=r"churn\.prod is in use.*say factory retire prod --reason TEXT first"):
        destruction.refuse_in_use(place.home, [[dev], [prod]])

    files.write(place.home.retired("churn", "prod"), '{"since": "2027-01-15", "by": "ana", "reason": "replaced"}')
    destruction.refuse_in_use(place.home, [[dev], [prod]])


def test_given_a_server_in_aws_place_when_state_is_addressed_then_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")

    found = cloud_state.of("b", "eu-west-1", "alias/x")

    assert found.backend == (
        "s3://b?region=eu-west-1&awssdk=v2&endpoint=127.0.0.1%3A5000&s3ForcePathStyle=true&disableSSL=true"
    )


@pytest.mark.parametrize("variable", ["PULUMI_BACKEND_URL", "FACTORY_EMULATE"])
def test_given_a_place_of_the_persons_own_when_state_is_addressed_then_none_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")

    assert cloud_state.of("b", "eu-west-1", "alias/x") == cloud_state.State()


def test_given_a_cloud_when_asked_for_then_no_server_of_this_machine_is_needed(place: Place, tmp_path: Path) -> None:
    assert not place.on_this_machine
    assert not Place(place.home, tmp_path, manifest("s3://b")).on_this_machine
    assert Place(place.home, None, None).on_this_machine


def test_given_a_use_case_in_a_cloud_that_came_up_when_asked_then_its_contract_is_on_record(tmp_path: Path) -> None:
    home, outputs = Home(tmp_path), {"use_case": "churn", "environment": "dev", "target": "aws"}

    applied.write(home, manifest("s3://b"), outputs)

    assert applied.outputs(home, "churn", "dev") == outputs
    assert applied.manifest(home, "churn", "dev").target == "aws"
