"""The pipeline on a small repo with nothing provisioned: what it leaves, and that reruns converge."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory_runtime.audit import log
from aifactory_runtime.config import environment, project
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate import verdict
from aifactory_runtime.pipeline import commands
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.reproduction import operations, provenance
from aifactory_runtime.registry import model_folder
from tests.fixtures.usecase_repo import git, write_customers
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit
from tests.unit.runtime.pipeline.reports import gate_report

pytestmark = pytest.mark.slow


def test_given_a_repo_when_run_then_a_version_is_registered_with_what_it_was_made_from(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    handoff = pipeline(kind="retraining")
    version = context.registry.version(1)
    assert handoff.version == 1
    assert version.model_sha256 == handoff.model_sha256
    assert version.tags["aifactory.commit"] == git(repo, "rev-parse", "HEAD")
    assert version.tags["aifactory.dirty"] == "false"
    assert version.tags["aifactory.kind"] == "retraining"
    assert version.tags["aifactory.stage"] == "candidate"
    assert version.tags["aifactory.data.raw"] == handoff.tables["raw"].tag
    assert version.tags["aifactory.gate"] == "passed"
    assert version.tags["aifactory.gate_sha256"] == handoff.gate["sha256"]  # type: ignore[index]
    assert float(version.tags["aifactory.baseline.roc_auc"]) == 0.5
    folder = Path(context.registry.artifact_address(version))
    assert model_folder.digest(folder) == version.model_sha256
    kept = {path.name for path in (folder.parent / "pictures").iterdir()}
    names = ("confusion_matrix", "calibration", "importances", "learning_curve", "slices")
    assert kept == {f"{name}.svg" for name in names}
    belongs = model_folder.read_belongs(folder)
    assert belongs.code_sha256 == version.tags["aifactory.code_sha256"] == provenance.code_sha256(repo, "demo_case")
    assert belongs.lock_sha256 == provenance.lock_sha256(repo)
    tags = {name: version.tags[f"aifactory.operations.{name}"] for name in handoff.operations}
    assert tags == asdict(operations.of_folder(repo)), "what ran it is told apart from what it learned from"
    assert model_folder.read_schema(folder).classes == (0, 1)


def test_given_a_registered_version_when_audited_then_one_line_carries_its_tags(
    pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    pipeline()
    lines = log.read(Path(context.contract.audit_uri))
    assert [line["action"] for line in lines] == ["register"]
    said = {key: value for key, value in context.registry.version(1).tags.items() if key != "aifactory.expected"}
    assert lines[0]["facts"].items() >= said.items() and "aifactory.expected" not in lines[0]["facts"]
    assert log.verify(Path(context.contract.audit_uri)).problem is None


def test_given_the_same_data_and_code_when_run_twice_then_nothing_new_is_made(
    pipeline: Pipeline, context: Context
) -> None:
    first, second = pipeline(), pipeline()
    assert first.tables == second.tables
    assert first.model_sha256 == second.model_sha256
    assert first.gate is not None and second.gate is not None
    apart = {"sha256": "", "window": ""}  # the first run has frozen all of its test rows
    assert {**first.gate, **apart} == {**second.gate, **apart}
    reports = [gate_report(context, run.id) for run in (first, second)]
    for report in reports:
        del report["window"]
    assert verdict.digest(reports[0]) == verdict.digest(reports[1])
    assert [version.number for version in context.registry.versions()] == [1]


def test_given_new_data_when_run_again_then_a_second_version_and_the_same_reference(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()
    frozen = tables.read(context.tables, "reference")
    write_customers(repo / "data" / "customers.csv", rows=600, seed=2)
    second = pipeline()
    assert second.tables["raw"].version == 1
    assert second.tables["reference"] == first.tables["reference"]
    assert tables.read(context.tables, "reference").equals(frozen)
    assert second.version == 2


def test_given_steps_one_by_one_when_run_by_id_then_as_in_one_process(pipeline: Pipeline) -> None:
    whole = pipeline()
    run = pipeline("ingest").id
    for step in ("validate", "prepare", "train", "evaluate", "register"):
        last = pipeline(step, run_id=run)
    assert last.model_sha256 == whole.model_sha256
    assert last.version == whole.version


def test_given_a_step_before_its_turn_when_run_then_the_missing_one_is_named(pipeline: Pipeline) -> None:
    run = pipeline("ingest").id
    with pytest.raises(UsageProblem, match="run prepare first"):
        pipeline("train", run_id=run)
    with pytest.raises(UsageProblem, match="run train first"):
        pipeline("evaluate", run_id=run)
    with pytest.raises(UsageProblem, match="there is no run 20200101"):
        pipeline("train", run_id="20200101")
    with pytest.raises(UsageProblem, match="not the id"):
        pipeline("train", run_id="../x")


def test_given_code_that_changed_when_a_run_goes_on_then_refused(repo: Path, pipeline: Pipeline) -> None:
    run = pipeline("ingest", "validate", "prepare").id
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', "")
    with pytest.raises(FactoryError, match="code or lock changed"):
        pipeline("train", run_id=run)


def test_given_a_dirty_work_tree_when_run_then_tagged_so_and_of_other_code(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    clean = provenance.collect(repo, "demo_case")
    edit(repo, "src/demo_case/model.py", "SimpleImputer()", 'SimpleImputer(strategy="median")')
    assert pipeline(kind="retraining").dirty
    tags = context.registry.version(1).tags
    assert (tags["aifactory.dirty"], tags["aifactory.kind"]) == ("true", "experiment")
    assert provenance.collect(repo, "demo_case").code_sha256 != clean.code_sha256


@pytest.mark.parametrize(("where", "dirty", "said"), [("dev", True, 1), ("dev", False, 0), ("embedded", True, 0)])
def test_given_files_that_are_not_committed_when_a_run_begins_in_an_environment_then_it_says_what_comes_of_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch, where: str, dirty: bool, said: int
) -> None:
    values = environment.embedded(repo, project.load(repo).manifest)
    (repo / ".factory" / "dev.json").write_text(json.dumps({**values, "environment": "dev"}))
    monkeypatch.chdir(repo)
    monkeypatch.setenv("AIFACTORY_ENV", where)
    if dirty:
        edit(repo, "src/demo_case/features.py", "return {", "# tried out\n    return {")

    done = CliRunner().invoke(commands.ingest, [])

    assert done.exit_code == 0, done.output
    assert done.stderr.count("files are not committed: this is an experiment, it cannot be released") == said


def test_given_three_classes_of_text_when_run_then_a_version_is_registered(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, "src/demo_case/schema.py", "pa.Column(int, pa.Check.isin([0, 1]))", "pa.Column(str)")
    labels = ["stays", "leaves"]

    def three(lines: list[str]) -> list[str]:
        old = [line.rpartition(",")[0] for line in lines[1:]]
        named = [
            f"{row},{'young' if int(row.split(',')[0]) < 30 else labels[int(line[-1])]}"
            for row, line in zip(old, lines[1:], strict=True)
        ]
        return [lines[0], *named]

    data_of(repo, three)
    handoff = pipeline()
    folder = Path(context.registry.artifact_address(context.registry.version(1)))
    assert model_folder.read_schema(folder).classes == ("leaves", "stays", "young")
    assert all(math.isfinite(value) for value in handoff.metrics.values())
    assert {"roc_auc", "accuracy", "log_loss", "f1"} <= set(handoff.metrics)


def test_given_the_embedded_default_when_run_then_factory_home_is_not_touched(repo: Path, tmp_path: Path) -> None:
    shutil.rmtree(repo / ".factory")
    home, person = tmp_path / "home", tmp_path / "person"
    person.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "src",
        "FACTORY_HOME": str(home),
        "HOME": str(person),
    }
    command = [sys.executable, "-m", "demo_case", "run", "--json"]
    done = subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == 1
    assert not home.exists()
    assert not (person / ".factory").exists()
    assert git(repo, "status", "--porcelain") == ""
