"""The environment contract, and which environment a project runs against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aifactory.provision import contract_formats
from aifactory_runtime.config import credentials, environment
from aifactory_runtime.config.environment import resolve
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.errors import UsageProblem
from tests.unit.runtime.contract.test_manifest import VALID, changed

MANIFEST = Manifest.model_validate(VALID)


def provisioned(root: Path, name: str, **changes: Any) -> dict[str, Any]:
    """Write `.factory/<name>.json` as `factory up` does; its values."""
    values = {**environment.embedded(root, MANIFEST), "environment": name, "tracking_uri": "http://127.0.0.1:5000"}
    values |= changes
    folder = root / ".factory"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(values))
    return values


def test_given_nothing_provisioned_when_resolved_then_everything_lies_inside_the_project(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, MANIFEST, variables={"FACTORY_HOME": "/nowhere"})

    assert resolved.contract.environment == "embedded"
    for key, value in resolved.contract.model_dump().items():
        if key.endswith("_uri") and value is not None:
            assert str(tmp_path) in value
    assert "/nowhere" not in resolved.contract.model_dump_json()
    assert set(resolved.origins.values()) == {"embedded default", "factory.yaml", "default"}


def test_given_nothing_provisioned_when_resolved_then_it_says_what_the_manifest_says_and_where_from(
    tmp_path: Path,
) -> None:
    values = changed("environments.dev.batch", {"source": "data/today.csv"}) | {"scoring": "batch", "train_in": "prod"}
    dev = values["environments"]["dev"]
    dev |= {"retraining": {"policy": "automatic", "pace": "1h"}, "retention": {"predictions_days": 7}}
    said: dict[str, Any] = {"scoring": "batch", "train_in": "prod", "risk": "limited", "batch_source": "data/today.csv"}
    said |= {"retraining_policy": "automatic", "retraining_pace": 3600.0, "predictions_days": 7}

    resolved = resolve(tmp_path, Manifest.model_validate(values), {})

    assert {key: getattr(resolved.contract, key) for key in said} == said
    assert {resolved.origins[key] for key in (*said, "data_source")} == {"factory.yaml"}
    assert resolved.origins["data_uri"] == "embedded default"


@pytest.mark.parametrize("name", ["C# project", "what?", "[old] churn", "a|b", "50%25"])
def test_given_a_folder_that_tables_cannot_lie_in_when_resolved_then_it_is_said_before_anything(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageProblem, match="with which tables cannot be stored: give the folder another name"):
        resolve(tmp_path / name, MANIFEST, variables={})


@pytest.mark.parametrize("name", ["a b", "100 %", "\u00e9t\u00e9", "\u65e5\u672c", "a&b=c+d;e,f", "~x$y'z*{}"])
def test_given_another_odd_folder_when_resolved_then_it_is_taken(tmp_path: Path, name: str) -> None:
    assert str(tmp_path / name) in resolve(tmp_path / name, MANIFEST, variables={}).contract.data_uri


def test_given_a_chosen_environment_when_resolved_then_its_file_is_read_and_a_variable_wins(tmp_path: Path) -> None:
    provisioned(tmp_path, "dev")

    resolved = resolve(tmp_path, MANIFEST, {"AIFACTORY_ENV": "dev", "AIFACTORY_DATA_SOURCE": "other.csv"})

    assert resolved.contract.tracking_uri == "http://127.0.0.1:5000"
    assert resolved.contract.data_source == "other.csv"
    assert resolved.origins["data_source"] == "AIFACTORY_DATA_SOURCE"
    assert resolved.origins["tracking_uri"].endswith("dev.json")


def test_given_contracts_in_variables_when_resolved_by_name_then_each_is_the_one_of_its_environment(
    tmp_path: Path,
) -> None:
    said = {name: {**environment.embedded(tmp_path, MANIFEST), "environment": name} for name in ("dev", "staging")}
    provisioned(tmp_path, "dev")
    variables = {f"AIFACTORY_CONTRACT_{name.upper()}": json.dumps(values, indent=2) for name, values in said.items()}

    chosen = resolve(tmp_path, MANIFEST, {**variables, "AIFACTORY_ENV": "dev"})
    other = resolve(tmp_path, MANIFEST, variables, environment="staging")

    assert (chosen.contract.environment, other.contract.environment) == ("dev", "staging")
    assert chosen.origins["tracking_uri"] == "AIFACTORY_CONTRACT_DEV"
    assert chosen.contract.tracking_uri.startswith("sqlite")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "is not JSON"), ("[]", "is not an environment"), ('{"environment": "dev"}', "is not about staging")],
)
def test_given_a_wrong_contract_in_a_variable_when_resolved_then_it_is_named(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(UsageProblem, match=f"AIFACTORY_CONTRACT_STAGING {sentence}: .*factory outputs staging"):
        resolve(tmp_path, MANIFEST, {"AIFACTORY_CONTRACT_STAGING": text}, environment="staging")


def test_given_a_file_variable_when_resolved_then_that_file_is_the_environment(tmp_path: Path) -> None:
    provisioned(tmp_path, "prod")

    resolved = resolve(tmp_path, MANIFEST, {"AIFACTORY_ENV_FILE": str(tmp_path / ".factory" / "prod.json")})

    assert resolved.contract.environment == "prod"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"AIFACTORY_ENV": "prod"}, "run factory up prod"),
        ({"AIFACTORY_ENV": "qa"}, "not an environment"),
        ({"AIFACTORY_ENV_FILE": "/nowhere.json"}, "not there"),
        ({"AIFACTORY_ENVIRONMENT": "moon"}, "AIFACTORY_ENVIRONMENT: environment"),
    ],
)
def test_given_a_choice_that_cannot_be_when_resolved_then_one_line_says_what_to_do(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UsageProblem, match=sentence):
        resolve(tmp_path, MANIFEST, variables)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_given_a_damaged_environment_when_resolved_then_the_advice_fits_the_file(tmp_path: Path, content: str) -> None:
    provisioned(tmp_path, "prod")
    (tmp_path / ".factory" / "prod.json").write_text(content)
    of_a_service = tmp_path / "environment.json"
    of_a_service.write_text(content)

    with pytest.raises(UsageProblem, match=r"prod\.json is not .*: run factory outputs prod --write$"):
        resolve(tmp_path, MANIFEST, {"AIFACTORY_ENV": "prod"})
    with pytest.raises(
        UsageProblem, match=r"environment\.json is not .*: run factory up, or let .* outputs ENV prints$"
    ):
        resolve(tmp_path, MANIFEST, {"AIFACTORY_ENV_FILE": str(of_a_service)})


def test_given_another_use_cases_environment_when_resolved_then_it_is_refused(tmp_path: Path) -> None:
    provisioned(tmp_path, "dev", use_case="fraud")

    with pytest.raises(UsageProblem, match="belongs to use case fraud"):
        resolve(tmp_path, MANIFEST, {"AIFACTORY_ENV": "dev"})


def test_given_an_unknown_key_when_read_then_it_is_ignored_for_newer_environments(tmp_path: Path) -> None:
    values = provisioned(tmp_path, "dev", something_new="x")

    assert not hasattr(EnvironmentContract.model_validate(values), "something_new")


def test_given_an_environment_in_a_later_form_when_resolved_then_one_sentence_says_that_the_repo_has_to_move(
    tmp_path: Path,
) -> None:
    provisioned(tmp_path, "dev", contract_version=2)
    words = r"dev\.json is of a newer factory \(contract_version 2, .*this repo has to move: factory update$"
    with pytest.raises(UsageProblem, match=words):
        resolve(tmp_path, MANIFEST, {}, "dev")


def test_given_a_login_in_an_address_when_read_then_it_is_refused(tmp_path: Path) -> None:
    values = {**environment.embedded(tmp_path, MANIFEST), "tracking_uri": "http://ana:hunter2@127.0.0.1:5000"}

    with pytest.raises(ValidationError, match="tracking_uri: the address holds a login"):
        EnvironmentContract.model_validate(values)


@pytest.mark.parametrize("form", ["dotenv", "github"])
def test_given_a_contract_when_written_as_variables_and_read_back_then_it_is_the_same(
    tmp_path: Path, form: str
) -> None:
    values = provisioned(tmp_path, "prod", approvers=["vera", "tom"])
    text = contract_formats.FORMATS[form](values)
    variables = dict(line.split("=", 1) for line in text.splitlines())

    resolved = resolve(tmp_path, MANIFEST, variables)

    assert resolved.contract == EnvironmentContract.model_validate(values)


def write_credentials(folder: Path, identity: str, roles: list[str], mode: int = 0o600) -> Path:
    """A credentials file as provisioning writes it."""
    path = folder / f"{identity}.json"
    content = {"identity": identity, "roles": roles, "login": f"{identity}.churn.dev", "password": "x" * 12}
    path.write_text(json.dumps(content))
    path.chmod(mode)
    return path


def contract_with(path: Path) -> EnvironmentContract:
    """An environment whose own identity's credentials are at `path`."""
    values = {**environment.embedded(path.parent, MANIFEST), "credentials_file": str(path)}
    return EnvironmentContract.model_validate(values)


def test_given_identities_when_one_is_chosen_then_by_name_or_as_oneself(tmp_path: Path) -> None:
    own = write_credentials(tmp_path, "ana", ["data-scientist"])
    write_credentials(tmp_path, "release", ["release"])
    write_credentials(tmp_path, "vera", ["approver"])
    contract = contract_with(own)

    chosen = [credentials.of(contract, who) for who in (None, "vera", "release")]

    assert [one.identity for one in chosen if one] == ["ana", "vera", "release"]
    assert "xxxx" not in repr(chosen[0])


def test_given_a_lost_login_beside_a_token_when_it_is_chosen_then_the_lost_file_is_named(tmp_path: Path) -> None:
    own = write_credentials(tmp_path, "ana", ["data-scientist"])
    token = {"identity": "consumer", "roles": ["consumer"], "login": "consumer.churn.prod", "token": "x" * 12}
    (tmp_path / "consumer.json").write_text(json.dumps(token))

    with pytest.raises(UsageProblem, match=r"service\.json is missing: factory up writes it$"):
        credentials.of(contract_with(own), "service")


@pytest.mark.parametrize("who", ["nobody", "../../release", ".hidden"])
def test_given_an_unknown_identity_when_it_is_chosen_then_it_is_refused(tmp_path: Path, who: str) -> None:
    own = write_credentials(tmp_path, "ana", ["data-scientist"])

    with pytest.raises(UsageProblem):
        credentials.of(contract_with(own), who)


def test_given_credentials_that_others_can_read_when_used_then_they_are_refused(tmp_path: Path) -> None:
    own = write_credentials(tmp_path, "ana", ["data-scientist"], mode=0o644)

    with pytest.raises(UsageProblem, match="chmod 600"):
        credentials.of(contract_with(own))


def test_given_no_logins_in_the_environment_when_asked_then_there_are_none(tmp_path: Path) -> None:
    contract = EnvironmentContract.model_validate(environment.embedded(tmp_path, MANIFEST))

    assert credentials.of(contract) is None
    assert list(tmp_path.iterdir()) == []
