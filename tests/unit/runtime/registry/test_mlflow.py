"""The registry over SQLite, opened where its repo lies today."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.run import STEPS
from aifactory_runtime.pipeline.run import run as run_steps
from aifactory_runtime.registry import model_folder
from tests.unit.runtime.conftest import Pipeline


@pytest.mark.heavy
def test_given_a_repo_with_an_odd_name_that_was_moved_when_asked_then_its_models_move_along(
    repo: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    moved = repo.rename(repo.parent / "a b; 100 % \u00e9")
    monkeypatch.syspath_prepend(str(moved / "src"))
    there = Context(project.load(moved))

    version = there.registry.version(1)
    there.registry.download(version, tmp_path / "model")

    assert str(moved) in there.registry.artifact_address(version)
    assert model_folder.digest(tmp_path / "model") == version.model_sha256
    again = run_steps(there, tuple(STEPS), run_id=None, kind="experiment", say=lambda _: None)
    assert again.version == 1
