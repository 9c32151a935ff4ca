"""`factory new --data`: a repo for any ordinary table; what is refused leaves nothing, what is secret stays out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pandas as pd
import pytest
import yaml

from aifactory_runtime.config import layout, yaml_model
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import Manifest
from tests.fixtures import mlflow_database, warm_process, zoo
from tests.fixtures.scoring_service import served
from tests.fixtures.usecase_repo import git
from tests.template.support import read_by_people
from tests.template.test_new import New, Said, listing, new

pytestmark = pytest.mark.slow

__all__ = ["new"]
READY_WITHIN_SECONDS = 240
CANARIES = ("canaryville", "canary-K42", "sang", "987654.25", "1987-06-05", "canary-yes")


def made(new: New, name: str, folder: Path) -> Path:
    """A repo for a table of the zoo."""
    animal = zoo.ZOO[name]
    folder.mkdir(exist_ok=True)
    table = animal.write(folder)
    said = new("uc", "--data", str(table), "--target-column", animal.target, "--owner", "ana", *animal.options)
    assert said.code == 0, said.error
    return Path("uc").absolute()


def refused(said: Said) -> str:
    """The one clear line of a refusal that left nothing in the folder but the table."""
    assert said.code in {1, 2}, said
    lines = [line for line in said.error.splitlines() if not line.startswith(("Rendering ", "Reading "))]
    assert len(lines) == 1, said.error
    assert set(listing()) <= {"t.csv"}
    return lines[0]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (None, ("--target-column", "y"), "t.csv is missing"),
        ("", ("--target-column", "y"), "t.csv is empty"),
        ("x,y\n", ("--target-column", "y"), "t.csv has no rows"),
        ("x,y\n1,2\n3\n", ("--target-column", "y"), "a row (line 3) has 1 values where the header has 2"),
        ("x,y\n1,a\n2,b\n", ("--target-column", "y"), "at least 20"),
        ("x,y\n" + "1,a\n2,b\n" * 40, ("--target-column", "z"), "the table has no column z"),
        ("x,y\n" + "1,a\n2,b\n" * 40, (), "candidates: y, x"),
        ("x,y\n" + "1,a\n2,a\n" * 40, ("--target-column", "y"), "same value in every row"),
        ("x,y\n" + "1,a\n1,b\n" * 40, ("--target-column", "y"), "no column is left"),
        ("x,y\n" + "1,a\n2,b\n" * 40, ("--target-column", "y", "--problem", "regression"), "needs a number"),
        ("x,y\n" + "1,a\n2,b\n" * 40, ("--target-column", "y", "--time-column", "z"), "no column z"),
    ],
)
def test_fault_19_given_a_table_that_cannot_be_learned_from_then_one_line_and_nothing_is_written(
    new: New, content: str | None, options: tuple[str, ...], sentence: str
) -> None:
    if content is not None:
        Path("t.csv").write_text(content)
    assert sentence in refused(new("uc", "--owner", "ana", "--data", "t.csv", *options))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param("", "is empty", id="fault_1"),
        pytest.param("class", "Python keyword", id="fault_2"),
        pytest.param("\ufb01le", "only a-z", id="fault_3"),
        pytest.param("../x", "only a-z", id="fault_4"),
        pytest.param("{{ 7 }}", "only a-z", id="fault_5"),
        pytest.param("a" * 41, "at most 40", id="fault_6"),
    ],
)
def test_given_a_name_that_cannot_be_then_it_is_refused_before_the_table_is_read(
    new: New, name: str, sentence: str
) -> None:
    said = new(name, "--owner", "ana", "--data", "t.csv", "--target-column", "y")
    assert sentence in refused(said)
    assert "Reading" not in said.error


def test_fault_7_given_a_folder_that_is_not_empty_then_it_is_refused_before_the_table_is_read(new: New) -> None:
    Path("uc").mkdir()
    Path("uc/mine").write_text("x")
    said = new("uc", "--owner", "ana", "--data", "t.csv", "--target-column", "y")
    assert said.code == 2
    assert "not empty" in said.error
    assert "Reading" not in said.error
    assert listing() == ["uc"]


def test_fault_10_given_a_password_in_the_address_then_it_is_refused_and_not_repeated(new: New) -> None:
    said = new("uc", "--owner", "ana", "--data", "https://me:hunter2@data.example/t.csv", "--target-column", "y")
    assert "looks like a secret" in refused(said)
    assert "hunter2" not in said.error


def test_given_a_relative_path_then_the_repo_keeps_the_whole_path_and_reads_it_as_it_is_written(new: New) -> None:
    repo = made(new, "customers", Path("data"))
    manifest = yaml_model.load(repo / "factory.yaml", Manifest)
    assert manifest.settings("dev").data_source == str(Path("data/table.csv").absolute())
    read = Settings.load(repo / "conf", "dev").data.read
    assert read is not None
    assert (read.separator, read.decimal, read.encoding) == (";", ",", "cp1252")
    assert git(repo, "status", "--porcelain") == ""
    kept = yaml.safe_load((repo / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (kept["science"], kept["problem"]) == ("generated", "classification")


def test_given_a_bundled_sample_then_the_repo_holds_all_of_it(new: New) -> None:
    said = new("uc", "--owner", "ana", "--data", "sample:diabetes", "--json")
    assert said.code == 0, said.error
    assert json.loads(said.out)["proposal"]["problem"]["name"] == "regression"
    manifest = yaml_model.load(Path("uc/factory.yaml"), Manifest)
    assert (manifest.problem, manifest.settings("dev").data_source) == ("regression", "data/sample.csv")
    assert len(pd.read_csv("uc/data/sample.csv")) == 442


def test_given_the_sample_script_when_run_then_it_writes_what_the_tool_ships(tmp_path: Path) -> None:
    from samples import diabetes

    diabetes.write(tmp_path / "d.csv")
    assert (tmp_path / "d.csv").read_bytes() == diabetes.FILE.read_bytes()


def canaries() -> pd.DataFrame:
    """Customers with values that occur nowhere else: in a category, an id, a text, numbers, dates and the target."""
    frame = zoo.customers()
    frame["joined"] = pd.to_datetime(frame["joined"], format="%d.%m.%Y").dt.strftime("%Y-%m-%d")
    frame["town"] = frame["town"].replace("K\u00f6ln", "canaryville")
    frame["customer_id"] = frame["customer_id"].where(frame.index != 7, "canary-K42")
    frame.loc[3:40, "said"] = "the canary sang loudly " + frame["said"].str[:4]
    frame.loc[5, "income"] = 987654.25
    frame.loc[6, "joined"] = "1987-06-05"
    return frame.assign(churned="canary-" + frame["churned"])


@pytest.mark.parametrize("classification", ["confidential", "restricted"])
def test_given_a_secret_table_then_no_value_of_it_is_in_any_committed_file(new: New, classification: str) -> None:
    canaries().to_csv("t.csv", index=False)
    options = ("--target-column", "churned", "--answer", f"data_classification={classification}")
    assert new("uc", "--owner", "ana", "--data", "t.csv", *options).code == 0
    repo = Path("uc")
    for name in read_by_people(repo):
        content = (repo / name).read_bytes().decode("utf-8", errors="replace")
        assert not [canary for canary in CANARIES if canary in content], name
    manifest = yaml_model.load(repo / "factory.yaml", Manifest)
    assert (manifest.data_classification, manifest.train_in) == (classification, "prod")


def test_given_a_table_that_is_not_secret_then_its_categories_are_in_the_schema_and_its_rows_are_not(new: New) -> None:
    canaries().to_csv("t.csv", index=False)
    assert new("uc", "--owner", "ana", "--data", "t.csv", "--target-column", "churned").code == 0
    assert "canaryville" in Path("uc/src/uc/schema.py").read_text(encoding="utf-8")
    found = pd.read_csv("uc/data/sample.csv")
    assert "canary-K42" not in set(found["customer_id"])
    assert not found["said"].str.contains("sang").any()


FOUR = ("odd-names", "rare-classes", "36-rows", "orders-delta")
"""Tables that `make test` tries, one of each kind of trouble; `make thorough` tries them all."""
TOO_FEW = {"linnerud"}
"""Their test rows cannot be told from chance: the gate says so."""


def service(repo: Path, variables: dict[str, str]) -> AbstractContextManager[httpx.Client]:
    """A client of the repo's scoring service, ready."""
    command = [sys.executable, "-m", "uc", "serve", "--port", "0"]
    return served(command, repo, variables, ready_within=READY_WITHIN_SECONDS, timeout=60)


@pytest.mark.parametrize(
    "name", [name if name in FOUR else pytest.param(name, marks=pytest.mark.long) for name in zoo.ZOO]
)
def test_given_an_ordinary_table_then_it_reaches_a_served_model_without_an_edit(
    new: New, tmp_path: Path, name: str
) -> None:
    repo = made(new, name, tmp_path / "data")
    for check in (("ruff", "check", "-q", "--no-cache", "."), ("ruff", "format", "--check", "-q", "--no-cache", ".")):
        done = subprocess.run([sys.executable, "-m", *check], cwd=repo, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    mlflow_database.put(repo / ".factory" / "embedded" / "mlflow.db")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIFACTORY_", "FACTORY_"))}
    variables = {**kept, "PYTHONPATH": layout.python_path(repo)}
    done = warm_process.SHARED.run(repo, variables, "uc", "run")
    if name in TOO_FEW:
        assert done.returncode == 1
        assert "enlarge data.test_share" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    asked = json.loads((repo / "data" / "request.json").read_text(encoding="utf-8"))
    with service(repo, variables) as client:
        answer = client.post("/predict", json=asked)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "odd-names",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("customers-secret", "orders-delta", "far-numbers")),
    ],
)
def test_given_a_made_up_sample_then_the_repos_own_fast_tests_and_types_pass(
    new: New, type_cache: Path, tmp_path: Path, name: str
) -> None:
    repo = made(new, name, tmp_path / "data")
    for tool in (("pytest", "-q", "-m", "not slow"), ("mypy", "--cache-dir", str(type_cache))):
        done = subprocess.run([sys.executable, "-m", *tool], cwd=repo, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:]
