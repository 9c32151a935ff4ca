"""The factory's file: a copy of this repo, trained on a part of its table with nothing provisioned."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aifactory_runtime.config import layout, yaml_model
from aifactory_runtime.contract import Manifest

ROWS = 300
LEFT_OUT = shutil.ignore_patterns(".venv", ".uv", ".factory", "*_cache", "__pycache__", ".hypothesis", "notebooks")


@dataclass(frozen=True)
class Repo:
    """A use case's repo, driven by its commands as a person would."""

    root: Path
    manifest: Manifest

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process with no environment of the factory chosen, and the sample as the data."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIFACTORY_")}
        source = str(self.root / "data" / "sample.csv")
        return {**kept, "PYTHONPATH": layout.python_path(self.root), "AIFACTORY_DATA_SOURCE": source}

    def command(self, *arguments: str) -> list[str]:
        """`python -m <package> ...` with the interpreter that runs the tests."""
        return [sys.executable, "-m", self.manifest.package, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the repo and wait for it."""
        return subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )

    def handoff(self) -> dict[str, Any]:
        """What the newest pipeline run wrote down."""
        runs = (self.root / ".factory/embedded/artifacts/runs").glob("*/handoff.json")
        newest = max(runs, key=lambda path: path.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
        return found


def copy(root: Path, target: Path) -> Repo:
    """A copy of this repo without its caches, set to train on ROWS rows."""
    shutil.copytree(root, target, ignore=LEFT_OUT, symlinks=True)
    (target / "conf" / "embedded.yaml").write_text(f"data:\n  sample_rows: {ROWS}\n", encoding="utf-8")
    return Repo(target, yaml_model.load(target / "factory.yaml", Manifest))


@pytest.fixture(scope="session")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A copy of this repo in which the pipeline has run; all tests share it: they may run and serve it, not edit it."""
    repo = copy(root, tmp_path_factory.mktemp("trained") / "repo")
    done = repo.run("run")
    if done.returncode:  # each test that needs it fails by what the pipeline said, without frames of ours
        pytest.fail(f"the pipeline ended with exit code {done.returncode}:\n{done.stderr}", pytrace=False)
    return repo


@pytest.fixture
def untrained(root: Path, tmp_path: Path) -> Repo:
    """A copy of this repo in which nothing has run."""
    return copy(root, tmp_path / "repo")
