"""From a notebook cell to a tested feature, as docs/extending.md of a repo says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aifactory_runtime.config import layout
from tests.fixtures import mlflow_database
from tests.fixtures.usecase_repo import commit, git
from tests.template import kernel
from tests.template.support import PACKAGE

NAME = "missing_values"
TEST = '''"""The feature that came from the notebook."""

from __future__ import annotations

import numpy as np

from {package}.features import {name}


def test_given_rows_with_gaps_then_they_are_counted() -> None:
    columns = {{"size": np.array([1.0, np.nan]), "shape": np.array(["round", None], dtype=object)}}
    assert {name}(columns).tolist() == [0.0, 2.0]
'''


def test_given_the_notebook_then_it_reads_the_table_in_no_second_way(rendered: Path) -> None:
    code = "\n".join(kernel.sources(rendered / "notebooks/explore.ipynb"))
    assert "explore.table()" in code
    assert not re.search(r"read_|open\(|\.csv|deltalake|pyarrow", code)


@pytest.fixture
def repo(rendered: Path, tmp_path: Path) -> Path:
    """A committed repo of its own."""
    target = tmp_path / "repo"
    subprocess.run(["cp", "-R", str(rendered), str(target)], check=True)
    git(target, "init", "--quiet", "--initial-branch=main")
    commit(target, "Start")
    mlflow_database.put(target / ".factory" / "embedded" / "mlflow.db")
    return target


def variables(repo: Path) -> dict[str, str]:
    """Our environment with nothing chosen and the repo's code first."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIFACTORY_")}
    return {**kept, "PYTHONPATH": layout.python_path(repo)}


def make(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A target of the repo's Makefile, by the interpreter of these tests."""
    command = ["make", "--no-print-directory", *arguments, f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=repo, env=variables(repo), capture_output=True, text=True, check=False)


def move_into_features(repo: Path, definition: str) -> None:
    """Steps 2 and 3 of the guide, as a person would do them in an editor."""
    path = repo / "src" / PACKAGE / "features.py"
    text = path.read_text(encoding="utf-8")
    text = text.replace("import Mapping\n", "import Mapping\nfrom typing import Any\n", 1)
    head, returns, tail = text.rpartition("    return seen")
    assert returns, "the guide's line goes before the return of features()"
    path.write_text(f'{head}    seen["{NAME}"] = {NAME}(columns)\n{returns}{tail}\n\n{definition}\n', encoding="utf-8")
    (repo / "tests" / "test_gaps.py").write_text(TEST.format(package=PACKAGE, name=NAME), encoding="utf-8")


@pytest.mark.slow
def test_given_the_notebook_when_its_cell_moves_as_the_guide_says_then_checks_pass_and_training_sees_the_feature(
    repo: Path, type_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYPY_CACHE_DIR", str(type_cache))
    cells = kernel.sources(repo / "notebooks/explore.ipynb")
    said = kernel.run(cells, repo / "notebooks", variables(repo))
    assert "mean_radius" in said[0] and "raggedness" in said[1]
    assert said[2].startswith("roc_auc 0.9") and said[-1].startswith("roc_auc ") and "without it" in said[-1]
    (definition,) = [cell for cell in cells if cell.startswith(f"def {NAME}")]

    move_into_features(repo, definition)

    checked = make(repo, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tried = make(repo, "train", "SAMPLE=300")
    assert tried.returncode == 0 and "nothing registered" in tried.stdout, tried.stderr
    trained = make(repo, "train")
    assert trained.returncode == 0, trained.stderr
    (schema,) = (repo / ".factory/embedded/artifacts/runs").glob("*/model/input_schema.json")
    assert NAME in json.loads(schema.read_text(encoding="utf-8"))["features"]
    (shown,) = kernel.run(
        ["from aifactory_runtime import explore\nprint(list(explore.seen(explore.table())))"],
        repo / "notebooks",
        variables(repo),
    )
    assert NAME in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("explore.seen(table, lambda columns: {'rank': columns['mean_radius'].argsort()})", "depends on other rows"),
        ("explore.seen(table, lambda columns: {'gap': columns['mean_radius'] / 0})", "infinite"),
    ],
)
def test_given_an_idea_that_training_refuses_when_tried_in_a_cell_then_it_is_refused_there(
    repo: Path, cell: str, sentence: str
) -> None:
    first = "from aifactory_runtime import explore\ntable = explore.table(100)"
    with pytest.raises(kernel.CellFailed, match=sentence):
        kernel.run([first, cell], repo / "notebooks", variables(repo))
