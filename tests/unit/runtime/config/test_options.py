"""What `--env` takes is what there can be a contract of; the contract is that of the repo around."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from aifactory_runtime import cli
from aifactory_runtime.config import options
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import UsageProblem
from tests.fixtures import usecase_repo


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repo that was provisioned in prod."""
    repo = usecase_repo.make_repo(tmp_path_factory.mktemp("provisioned") / "repo", rows=5)
    (repo / ".factory").mkdir(exist_ok=True)
    (repo / ".factory" / "prod.json").write_text("{}")
    return repo


def test_given_the_contract_when_an_environment_is_chosen_then_each_that_it_may_be_of_can_be() -> None:
    assert options.ENVIRONMENTS.choices == get_args(EnvironmentContract.model_fields["environment"].annotation)


def test_given_a_folder_of_a_repo_when_the_contract_is_asked_for_then_it_is_that_of_the_repo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo", rows=5)
    monkeypatch.chdir(repo / "src")

    found = options.contract_of("embedded")

    assert (found.environment, Path(found.data_uri).is_relative_to(repo)) == ("embedded", True)
    with pytest.raises(UsageProblem, match="run factory up prod"):
        options.contract_of("prod")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageProblem, match=r"no factory\.yaml here or above"):
        options.contract_of("embedded")


def test_given_provisioned_environments_and_none_named_then_it_is_said_which_one_is_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = usecase_repo.make_repo(tmp_path / "repo", rows=5)
    monkeypatch.chdir(repo)
    monkeypatch.delenv("AIFACTORY_ENV", raising=False)
    assert options.contract_of(None).environment == "embedded"
    assert capsys.readouterr().err == "", "there is no other"
    for name in ("prod", "dev"):
        (repo / ".factory" / f"{name}.json").parent.mkdir(exist_ok=True)
        (repo / ".factory" / f"{name}.json").write_text("{}")
    options.contract_of("embedded")
    assert capsys.readouterr().err == "", "it was named"
    options.contract_of(None)
    said = capsys.readouterr()
    assert said.out == ""
    assert "speaks of embedded" in said.err
    assert "for dev or prod name it: --env prod" in said.err


@pytest.mark.parametrize(
    "command",
    [
        ("audit",),
        ("due",),
        ("labels", "status"),
        ("labels", "add", "absent.csv"),
        ("monitor",),
        ("requests",),
        ("trace", "a"),
    ],
)
def test_given_none_named_when_any_command_that_speaks_of_one_is_typed_then_it_says_so(
    provisioned: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    monkeypatch.chdir(provisioned)
    monkeypatch.delenv("AIFACTORY_ENV", raising=False)
    with pytest.raises(SystemExit):
        cli.main("demo_case", list(command))
    assert "speaks of embedded" in capsys.readouterr().err
