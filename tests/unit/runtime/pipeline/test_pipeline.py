"""The pipeline on a small repo with nothing provisioned: what it leaves, what it refuses, and that reruns converge."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from aifactory_runtime.audit import log
from aifactory_runtime.config import environment, project
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import commands, lock, model_steps
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import run as pipeline_run
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction import provenance
from aifactory_runtime.registry import model_folder
from tests.fixtures.usecase_repo import git, write_customers

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]


def edit(repo: Path, name: str, old: str, new: str) -> None:
    path = repo / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def data_of(repo: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = repo / "data" / "customers.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


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
    belongs = model_folder.read_belongs(folder)
    assert belongs.code_sha256 == version.tags["aifactory.code_sha256"] == provenance.code_sha256(repo, "demo_case")
    assert belongs.lock_sha256 == provenance.lock_sha256(repo)
    assert model_folder.read_schema(folder).classes == (0, 1)


def test_given_a_registered_version_when_audited_then_one_line_carries_its_tags(
    pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    pipeline()
    lines = log.read(Path(context.contract.audit_uri))
    assert [line["action"] for line in lines] == ["register"]
    assert lines[0]["facts"].items() >= context.registry.version(1).tags.items()
    assert log.verify(Path(context.contract.audit_uri)).problem is None


def test_given_the_same_data_and_code_when_run_twice_then_nothing_new_is_made(
    pipeline: Pipeline, context: Context
) -> None:
    first, second = pipeline(), pipeline()
    assert first.tables == second.tables
    assert first.model_sha256 == second.model_sha256
    assert first.gate == second.gate
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


def test_given_a_module_in_a_folder_of_the_package_when_it_changes_then_the_code_is_another(repo: Path) -> None:
    module = repo / "src" / "demo_case" / "encoding" / "regions.py"
    module.parent.mkdir()
    module.write_text("NORTH = 1\n")
    before = provenance.code_sha256(repo, "demo_case")
    module.write_text("NORTH = 2\n")
    assert provenance.code_sha256(repo, "demo_case") != before


def test_given_a_file_git_does_not_know_when_it_is_not_read_by_the_pipeline_then_the_tree_is_clean(repo: Path) -> None:
    (repo / "notes.txt").write_text("scratch")
    assert not provenance.collect(repo, "demo_case").dirty
    (repo / "src" / "demo_case" / "more.py").write_text("")
    assert provenance.collect(repo, "demo_case").dirty


def test_given_a_snapshot_without_git_when_collected_then_its_folder_names_the_commit(
    repo: Path, tmp_path: Path
) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    place = tmp_path / commit
    shutil.copytree(repo, place, ignore=shutil.ignore_patterns(".git"))
    found = provenance.collect(place, "demo_case")
    assert found == provenance.collect(repo, "demo_case")
    assert found.commit == commit


def test_given_no_git_when_collected_then_one_line(repo: Path) -> None:
    shutil.rmtree(repo / ".git")
    with pytest.raises(UsageProblem, match="git init"):
        provenance.collect(repo, "demo_case")


@pytest.mark.parametrize("content", [None, "", "age,income\n", "not a table at all\n"])
def test_fault_19_given_bad_data_when_run_then_refused_before_training(
    repo: Path, pipeline: Pipeline, context: Context, content: str | None
) -> None:
    path = repo / "data" / "customers.csv"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(FactoryError):
        pipeline()
    assert context.registry.versions() == []
    assert not (context.tables / "prepared").exists()


def test_fault_19_given_bad_data_after_good_when_run_then_the_champion_is_untouched(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    data_of(repo, lambda lines: [lines[0], *(line.replace("east", "atlantis") for line in lines[1:])])
    with pytest.raises(FactoryError, match="region fails isin"):
        pipeline()
    champion = context.registry.by_alias("champion")
    assert champion is not None
    assert champion.number == 1
    assert len(context.registry.versions()) == 1


def test_given_a_run_that_failed_when_it_is_asked_for_then_its_handoff_says_why_until_it_goes_on(
    context: Context,
) -> None:
    steps: dict[str, pipeline_run.Step] = {
        "ingest": _fails(FactoryError("no column age\nin data.csv")),
        "validate": _fails(ValueError("age 41 of ana")),
        "prepare": _fails(KeyboardInterrupt()),
        "train": lambda _context, handoff: handoff,
    }
    said = []

    for name in steps:
        begun = pipeline_run._begin(context, "experiment", new_reference=False)
        with suppress(FactoryError, ValueError, KeyboardInterrupt):
            pipeline_run.run(context, [name], run_id=begun.id, kind="experiment", say=lambda _: None, steps=steps)
        said.append(handoffs.load(context.artifacts, begun.id))

    assert [one.error for one in said] == ["no column age", "ValueError", None, None]
    pipeline_run.run(context, ["train"], run_id=said[0].id, kind="experiment", say=lambda _: None, steps=steps)
    assert handoffs.load(context.artifacts, said[0].id).error is None


def _fails(error: BaseException) -> pipeline_run.Step:
    def step(_context: Context, _handoff: handoffs.Handoff) -> handoffs.Handoff:
        raise error

    return step


def test_fault_20_given_too_many_duplicates_when_run_then_refused(repo: Path, pipeline: Pipeline) -> None:
    data_of(repo, lambda lines: lines + lines[1:])
    with pytest.raises(FactoryError, match="duplicates"):
        pipeline()


def test_fault_24_given_one_class_when_run_then_nothing_is_registered(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    data_of(repo, lambda lines: [lines[0], *(line[:-1] + "1" for line in lines[1:])])
    with pytest.raises(FactoryError, match="one class"):
        pipeline()
    assert context.registry.versions() == []


def test_given_a_model_no_better_than_chance_when_run_then_the_gate_refuses_and_leaves_an_event(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, "src/demo_case/features.py", "return {", 'return {"one": columns["age"] * 0.0}\n    return {')
    with pytest.raises(FactoryError, match="the gate refuses the candidate"):
        pipeline()
    assert context.registry.versions() == []
    (run,) = context.registry._runs.search_runs(["1"], "", 1)  # type: ignore[attr-defined]
    assert run.info.status == "FAILED"
    (event,) = Path(context.contract.events_uri).iterdir()
    assert json.loads(event.read_text())["event"] == "gate_refused"
    assert not (Path(context.contract.audit_uri) / "audit.jsonl").exists()


def test_given_a_better_champion_when_a_weaker_model_is_trained_then_the_gate_refuses(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    edit(repo, "src/demo_case/features.py", '"log_income": np.log1p(columns["income"]),', "")
    with pytest.raises(FactoryError, match="worse than the champion"):
        pipeline()


def test_given_a_new_column_when_trained_then_new_test_rows_are_frozen_on_request_and_the_champion_is_left_out(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    first = pipeline()
    context.registry.set_alias("champion", 1)
    data_of(repo, lambda lines: [f"pets,{lines[0]}", *(f"{len(line) % 3},{line}" for line in lines[1:])])
    edit(repo, "src/demo_case/schema.py", '"age": pa', '"pets": pa.Column(int),\n        "age": pa')
    with pytest.raises(FactoryError, match="has no column pets: python -m demo_case run --new-reference"):
        pipeline()

    second = pipeline(new_reference=True)

    assert second.version == 2 and not any(name.startswith("champion.") for name in second.metrics)
    assert "the reference is newer than the champion, version 1" in caplog.text
    assert second.tables["reference"].version == first.tables["reference"].version + 1
    context.registry.set_alias("champion", 2)
    third = pipeline()
    assert third.tables["reference"] == second.tables["reference"], "frozen again"
    assert third.metrics["champion.roc_auc"] == second.metrics["reference.roc_auc"]


def test_given_features_that_mean_something_new_when_judged_then_the_champion_keeps_its_own(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()
    context.registry.set_alias("champion", 1)
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', '"age": -1000.0 * columns["age"],')
    second = pipeline()
    assert second.version == 2
    assert second.metrics["champion.roc_auc"] == first.metrics["reference.roc_auc"]


def test_given_a_champion_of_code_that_no_commit_holds_when_judged_then_one_line_says_what_to_do(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', "")
    pipeline()
    context.registry.set_alias("champion", 1)
    git(repo, "checkout", "-q", "--", "src")
    with pytest.raises(FactoryError, match="not to be had here"):
        pipeline()


def test_fault_30_given_a_tampered_champion_when_evaluated_then_refused(pipeline: Pipeline, context: Context) -> None:
    pipeline()
    context.registry.set_alias("champion", 1)
    folder = Path(context.registry.artifact_address(context.registry.version(1)))
    (folder / "belongs.json").write_text("{}")
    with pytest.raises(FactoryError, match="sha256 differs"):
        pipeline()


def test_given_features_that_look_at_other_rows_when_trained_then_refused(repo: Path, pipeline: Pipeline) -> None:
    edit(repo, "src/demo_case/features.py", '"age": columns["age"],', '"age": columns["age"] - columns["age"].mean(),')
    with pytest.raises(UsageProblem, match="age of a row depends on other rows"):
        pipeline()


def test_given_parameters_that_the_model_does_not_take_when_trained_then_conf_is_named(
    repo: Path, pipeline: Pipeline
) -> None:
    edit(repo, "conf/base.yaml", "C: 1.0", "depth: 3")
    with pytest.raises(UsageProblem, match=r"train\.parameters"):
        pipeline()


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


def test_fault_26_given_a_kill_between_version_and_handoff_when_run_again_then_one_version_and_one_audit_line(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model_steps, "_audit", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline()
    assert len(context.registry.versions()) == 1
    handoff = pipeline()
    assert handoff.version == 1
    assert len(context.registry.versions()) == 1
    assert len(log.read(Path(context.contract.audit_uri))) == 1


def test_fault_27_given_a_pipeline_that_runs_when_a_second_starts_then_it_leaves_naming_the_holder(
    pipeline: Pipeline, context: Context
) -> None:
    with lock.held(context.artifacts), pytest.raises(FactoryError, match=f"process {os.getpid()}"):
        pipeline()
    pipeline("ingest")


def test_fault_27_given_a_holder_that_has_not_said_its_name_yet_when_another_starts_then_it_is_still_named(
    tmp_path: Path,
) -> None:
    taken = tmp_path / "pipeline.lock"
    with taken.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        saying = threading.Timer(0.2, taken.write_text, ["4711"])
        saying.start()

        with pytest.raises(FactoryError, match="process 4711"), lock.held(tmp_path):
            pass

        saying.join()


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


def test_fault_26_given_kills_at_any_moment_when_run_again_then_one_version(repo: Path, context: Context) -> None:
    command = [sys.executable, "-m", "demo_case", "run"]
    environment = {**os.environ, "PYTHONPATH": "src"}
    steps = iter(("ingest", "prepare", "train", "evaluate"))
    for step in steps:
        process = subprocess.Popen(command, cwd=repo, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(step):
                process.kill()
                break
        process.wait()
        process.stderr.close()
    done = subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(context.registry.versions()) == 1
    assert tables.latest(context.tables, "reference").version == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("error", [FactoryError("the server is gone"), ZeroDivisionError("a bug"), KeyboardInterrupt()])
def test_given_a_failure_after_the_tracking_run_began_when_trained_then_it_does_not_stay_running(
    error: BaseException, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(context.registry), "log", fail)
    monkeypatch.setattr(type(context.registry), "finish_run", lambda *_, failed=False: ended.append(failed))
    with pytest.raises(type(error)):
        pipeline()
    assert ended == [True]


def test_given_ctrl_c_in_a_later_step_when_run_then_the_tracking_run_does_not_stay_running(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(context.registry), "log_file", interrupt)
    monkeypatch.setattr(type(context.registry), "finish_run", lambda *_, failed=False: ended.append(failed))
    with pytest.raises(KeyboardInterrupt):
        pipeline()
    assert ended == [True]


def test_given_credentials_that_others_can_read_when_run_then_no_step_begins(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repo.parent / "ana.json"
    path.write_text(json.dumps({"identity": "ana", "roles": [], "login": "ana", "password": "p"}))
    path.chmod(0o644)
    monkeypatch.setenv("AIFACTORY_CREDENTIALS_FILE", str(path))
    with pytest.raises(UsageProblem, match=f"{path} can be read by others: chmod 600"):
        pipeline()
    assert not context.artifacts.exists()
    assert not context.tables.exists()
    path.chmod(0o600)
    assert pipeline().version == 1


def test_fault_25_given_a_disk_that_takes_half_a_handoff_when_saved_then_the_old_one_stays(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the kernel takes what fits and refuses the rest."""
    handoffs.write_atomic(tmp_path / "handoff.json", "whole")
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom aifactory_runtime.pipeline import handoff\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "handoff.write_atomic(Path(sys.argv[1]), 'x' * 200)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "handoff.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "handoff.json cannot be written (File too large): see its place" in done.stderr.splitlines()[-1]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("handoff.json", "whole")]
