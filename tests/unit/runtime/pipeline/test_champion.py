"""New models judged against the champion, which keeps its own features."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from tests.fixtures.usecase_repo import git
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit

pytestmark = pytest.mark.slow


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
