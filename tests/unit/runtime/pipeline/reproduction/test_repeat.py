"""Running an unchanged pipeline again makes nothing new; any change of what it is made from does."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import commit, write_customers
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


def change_data(repo: Path) -> None:
    write_customers(repo / "data" / "customers.csv", rows=600, seed=2)
    commit(repo, "More customers")


def change_code(repo: Path) -> None:
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text() + "# a remark\n")
    commit(repo, "A remark")


def change_uncommitted(repo: Path) -> None:
    conf = repo / "conf" / "base.yaml"
    conf.write_text(conf.read_text() + "# not committed\n")


@pytest.mark.parametrize("change", [change_data, change_code, change_uncommitted])
def test_given_a_change_when_run_again_then_it_trains(repo: Path, pipeline: Pipeline, change: object) -> None:
    first = pipeline()
    assert callable(change)
    change(repo)

    second = pipeline(again=False)

    assert second.id != first.id


def test_given_another_kind_or_again_when_run_then_it_trains(pipeline: Pipeline) -> None:
    first = pipeline()

    retraining, insisted = pipeline(kind="retraining", again=False), pipeline(again=True)

    assert len({first.id, retraining.id, insisted.id}) == 3


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
    (context.artifacts / "runs" / stray).write_text("mine")
    assert pipeline(again=False).id == first.id
