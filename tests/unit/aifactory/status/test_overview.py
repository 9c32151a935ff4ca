"""What status says of a service: what was released beside what answers, and the command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from aifactory.home import Home
from aifactory.status import overview
from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.registry.port import FAILED, PIPELINE_RUN, PREVIOUS, STAGE, TRAINING_RUN
from infra.providers.local.supervisor_client import SupervisorClient
from tests.unit.aifactory.homes import write
from tests.unit.runtime.contract.test_manifest import VALID

Answers = dict[str, tuple[int, dict[str, str]]]
"""By `alias` or number of a version what the registry answers: number and tags."""


def registry_says(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> None:
    """Stand in for the tracking server."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.params.get("version", "alias"))
        if found is None:
            return httpx.Response(404)
        tags = [{"key": key, "value": value} for key, value in found[1].items()]
        return httpx.Response(200, json={"model_version": {"version": str(found[0]), "tags": tags}})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **how: client(transport=httpx.MockTransport(answer), **how))


@pytest.mark.parametrize(
    ("awake", "released", "remark"),
    [
        (False, "3", "the services do not run: factory start"),
        (True, "3", "the service does not serve what was released: factory release again"),
        (False, None, ""),
    ],
)
def test_given_a_service_that_does_not_answer_when_asked_then_the_command_that_mends_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, awake: bool, released: str | None, remark: str
) -> None:
    monkeypatch.setattr(SupervisorClient, "running", lambda _self: awake)
    home, manifest = Home(tmp_path), Manifest.model_validate(VALID)
    nobody = "http://127.0.0.1:9"
    contract = {**environment.embedded(tmp_path, manifest), "environment": "dev", "registry_uri": nobody}
    write(home.applied("churn", "dev"), {"manifest": {}, "environment": contract})
    champion = {"version": released} if released else None
    write(Path(str(contract["release_uri"])) / "serving.json", json.dumps({"champion": champion}))

    (found,) = overview.serving(home)

    assert (found.served, found.remark) == ("nothing", remark)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"alias": (2, {})}, "2"),
        ({"alias": (2, {STAGE: FAILED, PREVIOUS: "1"}), "1": (1, {})}, "1"),
        ({"alias": (2, {STAGE: FAILED})}, ""),
        ({}, ""),
        ({"alias": (2, {STAGE: FAILED, PREVIOUS: "1"})}, "unknown"),
    ],
)
def test_given_a_champion_that_failed_its_test_when_asked_over_http_then_what_was_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Answers, expected: str
) -> None:
    registry_says(monkeypatch, answers)
    values = environment.embedded(tmp_path, Manifest.model_validate(VALID))
    contract = EnvironmentContract.model_validate({**values, "registry_uri": "http://127.0.0.1:9"})

    assert overview._champion(contract)[0] == expected


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({PIPELINE_RUN: "old", TRAINING_RUN: "dev/1f"}, True),
        ({PIPELINE_RUN: "new", TRAINING_RUN: "dev/2f"}, False),
        ({PIPELINE_RUN: "old", TRAINING_RUN: "staging/1f"}, False),
        ({PIPELINE_RUN: "old"}, False),
        ({}, False),
    ],
    ids=["older rules", "today's rules", "trained where nothing is known", "trained in prod", "imported"],
)
def test_given_a_champion_that_learned_without_equal_rows_when_asked_then_what_to_do_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], told: bool
) -> None:
    registry_says(monkeypatch, {"alias": (4, tags)})
    home, manifest = Home(tmp_path), Manifest.model_validate(VALID)
    for name in ("dev", "prod"):
        contract = {
            **environment.embedded(tmp_path / name, manifest),
            **{"environment": name, "registry_uri": "http://127.0.0.1:9"},
        }
        write(home.applied("churn", name), {"manifest": {}, "environment": contract})
    runs = Path(str(environment.embedded(tmp_path / "dev", manifest)["artifact_uri"])) / "runs"
    write(runs / "old" / "validation.json", {"rows": 400, "duplicates": 388})
    write(runs / "new" / "validation.json", {"rows": 400, "duplicates": 0, "equal_rows": 388})

    found = {one.environment: one.note for one in overview.serving(home)}

    assert ("churn.prod: version 4 learned from a table without 388 rows" in found["prod"]) is told
    assert ("Train again and release that model" in found["prod"]) is told
