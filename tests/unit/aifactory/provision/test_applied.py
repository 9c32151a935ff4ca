"""The record of what was applied: read back as it was, and read by tools of earlier releases."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from aifactory.home import Home
from aifactory.provision import applied
from aifactory_runtime.contract import Manifest
from tests.fixtures import earlier_release, usecase_repo

SCHEMA = "runtime/src/aifactory_runtime/contract/manifest.v1.json"
OUTPUTS = {"use_case": "demo-case", "environment": "dev"}


@pytest.fixture
def manifest() -> Manifest:
    """What the repo says, whose manifest uses no key that is younger than 0.2.0."""
    text = (usecase_repo.TEMPLATE / "factory.yaml").read_text(encoding="utf-8")
    return Manifest.model_validate(yaml.safe_load(text))


def test_given_a_manifest_without_newer_keys_when_recorded_then_a_tool_of_the_release_before_reads_it(
    manifest: Manifest, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    applied.write(home, manifest, OUTPUTS)
    earlier = earlier_release.extract(tmp_path / "earlier", SCHEMA, version="0.2.0")

    recorded = json.loads(home.applied("demo-case", "dev").read_text(encoding="utf-8"))["manifest"]

    jsonschema.validate(recorded, json.loads((earlier / SCHEMA).read_text(encoding="utf-8")))
    assert applied.manifest(home, "demo-case", "dev") == manifest
