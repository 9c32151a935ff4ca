"""The pull-request check of a repo made for an own table, run on a machine that has the repo and nothing else.

Rung: local real. GitHub itself is not there; its lines run in their order in a fresh clone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.usecase_repo import git
from tests.template import pipelines
from tests.template.test_new import New, new
from tests.template.test_own_table import made

pytestmark = pytest.mark.slow
__all__ = ["new"]


def test_given_a_clone_without_the_table_when_every_line_runs_then_green_and_the_sample_is_named(
    new: New, type_cache: Path, tmp_path: Path
) -> None:
    repo = made(new, "customers", tmp_path / "laptop")
    clone = tmp_path / "runner" / "uc"
    git(tmp_path, "clone", "--quiet", str(repo), str(clone))
    table = next((tmp_path / "laptop").iterdir())
    table.unlink()
    ours = ("AIFACTORY_", "FACTORY_", "MLFLOW_", "PYTHON", "VIRTUAL_ENV", "MAKE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    kept |= {"UV": str(Path(sys.executable).with_name("uv")), "CI": "true", "MYPY_CACHE_DIR": str(type_cache)}

    for command in pipelines.pull_request(clone):
        variables = {"SAMPLE": "1000"} if "SAMPLE" in command.variables else {}
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command.line],
            cwd=clone,
            env=kept | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command.line, (done.stdout + done.stderr)[-3000:])

    assert f"note: {table} cannot be reached from here: data/sample.csv is tried in its place" in done.stderr
    assert "nothing registered" in done.stdout
    assert done.stdout.splitlines()[-1] == "made-up rows: says nothing about the model"
    assert git(clone, "status", "--porcelain") == ""
