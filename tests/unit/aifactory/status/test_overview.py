"""What status says of a service: what was released beside what answers, and the command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.status import overview
from aifactory_runtime.config import environment
from aifactory_runtime.contract import Manifest
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
