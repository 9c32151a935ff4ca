"""Whose secrets `factory rotate` asks for, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory.cli import environments
from aifactory.home import Home
from aifactory.provision import stacks, tools, waves
from aifactory.provision.rotation import secrets
from aifactory.provision.run import Result
from aifactory_runtime.audit import log
from aifactory_runtime.errors import UsageProblem
from infra.providers.local import rotation_mark
from tests.unit.runtime.contract.test_manifest import VALID


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for place in (
        "dev/churn/ana",
        "staging/churn/ana",
        "staging/churn/consumer",
        "staging/churn/capture-key",
        "prod/fraud/bo",
    ):
        path = tmp_path / "credentials" / f"{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("environments", "identities", "found"),
    [
        (["dev", "staging"], ["consumer"], {"staging": ["consumer"]}),
        (["dev", "staging"], ["ana"], {"dev": ["ana"], "staging": ["ana"]}),
        (["dev", "staging"], [], {"dev": ["ana"], "staging": ["ana", "consumer"]}),
        (["dev"], [], {"dev": ["ana"]}),
        (["dev", "staging"], ["capture-key"], {"staging": ["capture-key"]}),
    ],
)
def test_given_an_identity_of_some_environments_when_rotated_then_it_is_where_it_has_a_secret(
    home: Home, environments: list[str], identities: list[str], found: dict[str, list[str]]
) -> None:
    asked = secrets(home, "churn", environments, identities)
    assert {name: sorted(paths.values()) for name, paths in asked.items()} == found


@pytest.mark.parametrize(("environments", "who"), [(["dev"], "consumer"), (["dev", "staging", "prod"], "bo")])
def test_given_an_identity_without_a_secret_there_when_rotated_then_who_has_one_is_named(
    home: Home, environments: list[str], who: str
) -> None:
    with pytest.raises(UsageProblem, match=f"^{who} has no secret in {', '.join(environments)}; who has: ana"):
        secrets(home, "churn", environments, [who])


def test_given_a_rotation_that_was_killed_when_up_finishes_it_then_the_audit_log_has_its_line(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = dict.fromkeys(("tracking_uri", "registry_uri", "experiment", "model_name", "data_source", "data_uri"), "x")
    values |= dict.fromkeys(("artifact_uri", "capture_uri", "release_uri", "snapshot_uri"), "x")
    values |= {"events_uri": "x", "logs_uri": "x", "use_case": "churn", "environment": "dev", "identity": "ana"}
    values["audit_uri"] = str(tmp_path / "audit")
    for stack, project in (("shared", stacks.PLATFORM), ("dev", stacks.PLATFORM), ("churn.dev", stacks.USECASE)):
        path = home.state / ".pulumi" / "stacks" / project / f"{stack}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "factory.yaml").write_text(json.dumps(VALID))
    applied = home.applied("churn", "dev")
    applied.parent.mkdir()
    applied.write_text(json.dumps({"environment": values}))
    secret = tmp_path / "credentials" / "dev" / "churn" / "ana.json"
    rotation_mark.ask(secret)

    def up(*_: object) -> list[Result]:
        rotation_mark.done(secret)  # as the engine's provider does, with the new secret in use
        return [Result("churn.dev", "up", {}, [], values)]

    monkeypatch.chdir(repo)
    monkeypatch.setenv("FACTORY_HOME", str(home.root))
    monkeypatch.setattr(tools, "fetch", lambda _, **__: None)
    monkeypatch.setattr(waves, "act_in_waves", up)

    for _ in range(2):
        done = CliRunner().invoke(environments.up, ["dev"])
        assert done.exit_code == 0, done.output

    lines = [line["facts"] for line in log.read(tmp_path / "audit") if line["action"] == "rotate"]
    assert lines == [{"identities": ["ana"]}]
