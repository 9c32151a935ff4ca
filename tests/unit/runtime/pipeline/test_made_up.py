"""Figures of made-up sample rows: what is said beside them, wherever a person reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime import explore
from aifactory_runtime.config import project
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import made_up
from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import commit, run
from tests.unit.runtime.conftest import Pipeline

SAID = "made-up rows: says nothing about the model"


def move(repo: Path, source: str, kind: str = "made-up") -> None:
    """The repo's table is a sample of `kind`, which the environment names as `source`."""
    (repo / "data" / "customers.csv").rename(repo / "data" / "sample.csv")
    manifest, conf = repo / "factory.yaml", repo / "conf" / "base.yaml"
    manifest.write_text(manifest.read_text().replace("data/customers.csv", source))
    conf.write_text(conf.read_text().replace("data:\n", f"data:\n  sample: {kind}\n", 1))
    commit(repo, "Sample")


@pytest.fixture
def sample(repo: Path) -> Path:
    """A repo that trains on its made-up sample."""
    move(repo, "data/sample.csv")
    return repo


@pytest.mark.parametrize(
    ("source", "kind", "used"),
    [
        ("data/sample.csv", "made-up", True),
        ("./data/sample.csv", "made-up", True),
        ("data/sample.csv", "real", False),
        ("data/customers.csv", "made-up", False),
        ("/elsewhere/data/sample.csv", "made-up", False),
        ("s3://bucket/data/sample.csv", "made-up", False),
    ],
)
def test_given_a_source_when_asked_then_only_the_made_up_sample_of_the_repo_is_made_up(
    repo: Path, source: str, kind: str, used: bool
) -> None:
    move(repo, source, kind)

    assert made_up.used(project.load(repo)) == used


@pytest.mark.slow
@pytest.mark.usefixtures("sample")
def test_given_a_made_up_sample_when_trained_then_run_version_and_report_say_so(
    pipeline: Pipeline, context: Context
) -> None:
    done = pipeline()

    runs = context.artifacts / "runs" / done.id
    page = context.registry._runs.get_run(done.mlflow_run).data.tags  # type: ignore[attr-defined]
    (version,) = context.registry.versions()
    assert json.loads((runs / "gate.json").read_text())["facts"]["figures"] == SAID
    assert page["mlflow.note.content"] == page["aifactory.figures"] == version.tags["aifactory.figures"] == SAID


@pytest.mark.slow
@pytest.mark.parametrize("steps", [["run"], ["run", "--sample", "300"]])
def test_given_a_made_up_sample_when_run_or_tried_then_it_stands_below_the_figures(
    sample: Path, steps: list[str]
) -> None:
    done = run(sample, *steps)

    assert "roc_auc" in done.stdout.splitlines()[-2], done.stderr
    assert done.stdout.splitlines()[-1] == SAID


@pytest.mark.slow
def test_given_real_rows_when_trained_then_nothing_is_said(pipeline: Pipeline, context: Context) -> None:
    pipeline()

    (version,) = context.registry.versions()
    assert "aifactory.figures" not in version.tags


@pytest.mark.slow
def test_given_a_made_up_sample_when_the_gate_refuses_then_its_figures_carry_the_sentence(
    sample: Path, pipeline: Pipeline
) -> None:
    conf = sample / "conf" / "base.yaml"
    conf.write_text(conf.read_text().replace("baseline: 0.02", "baseline: 0.9"))

    with pytest.raises(FactoryError, match=f"nothing is registered: .*; {SAID}$"):
        pipeline()


def test_given_a_made_up_sample_when_explored_in_a_notebook_then_it_warns(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample)

    with pytest.warns(UserWarning, match=SAID):
        explore.table()
