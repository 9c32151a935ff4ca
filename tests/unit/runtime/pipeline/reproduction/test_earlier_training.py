"""Running a pipeline again trains only what is another training: other science, settings or data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import commit, git, write_customers
from tests.unit.runtime.conftest import Pipeline

pytestmark = pytest.mark.slow


def runs(context: Context) -> list[str]:
    """Ids of the runs that left something."""
    return sorted(path.name for path in (context.artifacts / "runs").iterdir())


def test_given_nothing_changed_when_run_again_then_the_run_before_is_the_answer(
    pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()

    second = pipeline(again=False)

    assert second == first
    assert runs(context) == [first.id]


@pytest.mark.parametrize("killed_in", ["finish_run", "append"])
def test_given_a_run_killed_after_it_registered_when_run_again_then_its_version_is_completed_with_one_audit_line(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    owner: object = type(context.registry) if killed_in == "finish_run" else log
    with monkeypatch.context() as patch:
        patch.setattr(owner, killed_in, killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline()
    (version,) = context.registry.versions()

    again, once_more = pipeline(again=False), pipeline(again=False)

    assert again == once_more
    assert (again.version, again.gate is not None) == (version.number, True)
    lines = log.read(Path(context.contract.audit_uri))
    assert [line["facts"]["version"] for line in lines if line["action"] == "register"] == [version.number]


def change_data(repo: Path) -> None:
    write_customers(repo / "data" / "customers.csv", rows=600, seed=2)
    commit(repo, "More customers")


def change_features(repo: Path) -> None:
    features = repo / "src" / "demo_case" / "features.py"
    features.write_text(features.read_text() + "# another way\n")
    commit(repo, "Features")


def change_settings_uncommitted(repo: Path) -> None:
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("seed: 7", "seed: 8"))


def change_readme(repo: Path) -> None:
    (repo / "README.md").write_text("Customers who leave.\n")
    commit(repo, "Readme")


def change_operations(repo: Path) -> None:
    for name in ("src/aifactory_runtime/cli.py", ".gitlab-ci.yml"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("# other operations\n")
    (repo / "requirements" / "factory.txt").write_text("click==8.5.2\n")
    commit(repo, "The factory's files")


def change_remark_uncommitted(repo: Path) -> None:
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text() + "# not committed\nserving:\n  max_rows: 9\n")


@pytest.mark.parametrize("change", [change_data, change_features, change_settings_uncommitted])
def test_given_other_science_or_data_when_run_again_then_it_trains(
    repo: Path, pipeline: Pipeline, change: Callable[[Path], None]
) -> None:
    first = pipeline()
    change(repo)

    second = pipeline(again=False)

    assert second.id != first.id and second.version != first.version


@pytest.mark.parametrize("change", [change_readme, change_operations, change_remark_uncommitted])
def test_given_the_same_science_and_data_when_run_again_then_nothing_is_trained(
    repo: Path, pipeline: Pipeline, context: Context, change: Callable[[Path], None]
) -> None:
    first = pipeline()
    change(repo)

    assert pipeline(again=False, kind="retraining") == first
    assert len(context.registry.versions()) == 1


def test_given_a_version_without_a_digest_when_run_again_then_git_knows_it_at_its_commit(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()
    forget(context, "science_sha256")
    change_readme(repo)

    assert pipeline(again=False).id == first.id


def test_given_a_version_without_a_digest_and_its_commit_gone_when_run_again_then_code_and_locks_decide(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()
    forget(context, "science_sha256")
    shutil.rmtree(repo / ".git")
    git(repo, "init", "-q")
    commit(repo, "Begun anew")

    assert pipeline(again=False).id == first.id
    change_operations(repo)
    assert pipeline(again=False).id != first.id


def test_given_what_was_trained_from_uncommitted_files_when_committed_then_it_trains(
    repo: Path, pipeline: Pipeline
) -> None:
    change_settings_uncommitted(repo)
    first = pipeline()
    commit(repo, "Settings")

    assert pipeline(again=False).version != first.version


def test_given_a_version_that_another_machine_trained_when_run_then_it_is_found_by_its_tags(
    pipeline: Pipeline, context: Context
) -> None:
    first = pipeline()
    shutil.rmtree(Path(context.contract.artifact_uri) / "runs" / first.id)

    found = pipeline(again=False)

    assert (found.version, found.model_sha256) == (first.version, first.model_sha256)


def test_given_again_when_run_then_it_trains(pipeline: Pipeline) -> None:
    assert pipeline().id != pipeline(again=True).id


def forget(context: Context, tag: str) -> None:
    """Take a tag from version 1, as versions of before have none."""
    from mlflow import MlflowClient

    client = MlflowClient(context.contract.tracking_uri, context.contract.registry_uri)
    client.delete_model_version_tag(context.contract.model_name, "1", f"aifactory.{tag}")


def test_given_a_version_that_is_gone_when_run_again_then_it_trains(pipeline: Pipeline, context: Context) -> None:
    from mlflow import MlflowClient

    first = pipeline()
    client = MlflowClient(context.contract.tracking_uri, context.contract.registry_uri)
    client.delete_model_version(context.contract.model_name, str(first.version))

    assert pipeline(again=False).id != first.id


@pytest.mark.parametrize("stray", ["notes", ".DS_Store"])
def test_given_a_file_among_the_runs_when_run_again_then_it_is_passed_over(
    pipeline: Pipeline, context: Context, stray: str
) -> None:
    first = pipeline()
    (Path(context.contract.artifact_uri) / "runs" / stray).write_text("mine")
    assert pipeline(again=False).id == first.id
