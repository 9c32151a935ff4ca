"""A repo goes on after it was tidied: its champion is compared with, runs are made again, batches are scored again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aifactory_runtime.data import removals, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.reproduction.reproduce import reproduce
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.registry import looking
from aifactory_runtime.release.trace import trace
from aifactory_runtime.retention import rules
from aifactory_runtime.retention.tidying import Tidied, tidy
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of

pytestmark = pytest.mark.slow


def tidied(context: Context, later: int = 0, **asked: int) -> Tidied:
    contract = context.contract.model_copy(update=asked)
    found = tidy(contract, lambda: context.registry, "kim", datetime.now(UTC) + timedelta(days=later))
    assert found.troubles == ()
    return found


def test_given_a_champion_when_tidied_then_the_next_model_is_compared_with_it_and_runs_are_made_again(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LAST_RUNS", 1)
    first = pipeline()
    context.registry.set_alias("champion", 1)
    data_of(repo, lambda lines: lines[:-20])
    dropped = pipeline("ingest", "validate", "prepare", "train")
    data_of(repo, lambda lines: lines[:-20])
    pipeline("ingest", "validate", "prepare")

    found = {one.kind: one.names for one in tidied(context).removals}
    assert found == {"run": (dropped.id,), "raw": ("1",), "prepared": ("1",)}

    last = pipeline()
    assert last.gate is not None and last.gate["not_compared"] is None
    assert last.metrics["champion.roc_auc"] == first.metrics["reference.roc_auc"]
    assert last.tables["reference"] == first.tables["reference"]
    assert reproduce(context, first.id, lambda _: None).same
    for name in (dropped.id, str(dropped.mlflow_run)):
        with pytest.raises(FactoryError, match=rf"run {name} was removed on .* by kim: no registered version"):
            reproduce(context, name, lambda _: None)
    with pytest.raises(FactoryError, match=rf"run {dropped.id} was removed on"):
        pipeline("evaluate", run_id=dropped.id)


def test_given_a_batch_that_was_removed_when_scored_again_then_its_rows_are_there_once_and_trace_told_of_it(
    pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    first = score(context)
    found = tidied(context, later=11, predictions_days=10)
    assert {one.kind: one.names for one in found.removals} == {"scored": (first.prefix,)}
    assert tables.count(context.tables, "scored") == 0
    with pytest.raises(FactoryError, match=r"what was recorded with it was removed on .* older than 10 days"):
        trace(context.project, looking.at(context.contract, None), first.first_prediction_id)

    again, third = score(context), score(context)

    assert again == first and third == replace(first, new=False)
    assert tables.count(context.tables, "scored") == first.rows
    assert trace(context.project, looking.at(context.contract, None), first.first_prediction_id).version == "1"
    assert removals.find(context.tables, "scored", first.prefix) is not None
