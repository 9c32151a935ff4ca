"""A project and the environment it is loaded with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.config import environment, project
from aifactory_runtime.contract import names
from aifactory_runtime.errors import UsageProblem


@pytest.fixture
def in_a_cloud(repo: Path) -> Path:
    """A repo whose dev lies in a cloud."""
    manifest = project.load(repo).manifest
    values = environment.embedded(repo, manifest, repo / "dev") | {"environment": "dev", "target": "aws"}
    (repo / ".factory").mkdir(exist_ok=True)
    (repo / ".factory" / "dev.json").write_text(json.dumps(values))
    return repo


def test_given_an_environment_in_a_cloud_when_loaded_then_one_line_says_that_nothing_is_done_there(
    in_a_cloud: Path,
) -> None:
    with pytest.raises(UsageProblem, match=r"^dev is on aws, where this command does nothing yet: docs/aws\.md"):
        project.load(in_a_cloud, "dev")


def test_given_an_environment_in_a_cloud_when_only_looked_at_then_it_is_loaded(in_a_cloud: Path) -> None:
    assert project.load(in_a_cloud, "dev", anywhere=True).environment.contract.target == "aws"
    assert project.load(in_a_cloud).environment.contract.target == names.LOCAL
