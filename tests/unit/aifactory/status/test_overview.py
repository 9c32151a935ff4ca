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
from aifactory_runtime.registry.port import FAILED, PREVIOUS, STAGE
from infra.providers.local.supervisor_client import SupervisorClient
from tests.unit.aifactory.homes import write
from tests.unit.runtime.contract.test_manifest import VALID


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, dict[str, str]]], expected: str
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.params.get("version", "alias"))
        if found is None:
            return httpx.Response(404)
        tags = [{"key": key, "value": value} for key, value in found[1].items()]
        return httpx.Response(200, json={"model_version": {"version": str(found[0]), "tags": tags}})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **how: client(transport=httpx.MockTransport(answer), **how))
    values = environment.embedded(tmp_path, Manifest.model_validate(VALID))
    contract = EnvironmentContract.model_validate({**values, "registry_uri": "http://127.0.0.1:9"})

    assert overview._champion(contract) == expected
