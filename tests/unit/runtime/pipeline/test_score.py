"""Batch scoring of a small repo with nothing provisioned: each row once, by the code that belongs to the model."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from aifactory_runtime.capture import hashing
from aifactory_runtime.config import project
from aifactory_runtime.data import tables
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.pieces import Split
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.monitoring import models
from aifactory_runtime.pipeline import score as scoring
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import trace
from tests.fixtures.usecase_repo import write_customers

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]


def test_given_a_table_when_scored_twice_then_predictions_are_there_once(pipeline: Pipeline, context: Context) -> None:
    pipeline()
    first, second = score(context), score(context)
    assert (first.rows, first.version, first.new) == (400, 1, True)
    assert not second.new
    found = tables.read(context.tables, "scored")
    assert len(found) == found["prediction_id"].nunique() == 400
    assert set(found["prediction"]) <= {0, 1}
    assert np.allclose(found["probability_0"] + found["probability_1"], 1.0)
    assert set(found["model_version"]) == {1}
    known = models.find(
        Path(context.contract.artifact_uri) / "monitoring",
        Path(context.contract.artifact_uri) / "no service",
        found["model_sha256"][0],
    )
    assert known.profile is not None, "monitors know the model without a service"
    assert found["scored_at"].nunique() == 1 and found["scored_at"][0].endswith("+00:00")


def test_given_a_source_for_batches_when_nothing_is_named_then_it_is_scored(
    repo: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    write_customers(repo / "data" / "today.csv", rows=12, seed=9)
    monkeypatch.setenv("AIFACTORY_BATCH_SOURCE", "data/today.csv")
    assert score(Context(project.load(repo))).rows == 12


def test_given_columns_dropped_or_hashed_when_scored_then_predictions_are_the_same_and_trace_says_what_is_missing(
    pipeline: Pipeline, context: Context, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    plain = score(context)
    answers = tables.read(context.tables, "scored")
    rules = {"age": "hash", "income": "drop"}
    monkeypatch.setenv("AIFACTORY_CAPTURE_COLUMNS", json.dumps(rules))
    monkeypatch.setenv("AIFACTORY_DATA_URI", str(repo / "elsewhere"))
    redacted = Context(project.load(repo))
    keys = hashing.of(redacted.contract)
    assert keys is not None

    done = score(redacted)

    assert done.prefix == plain.prefix, "the same rows, so the same ids"
    found = tables.read(redacted.tables, "scored")
    assert list(found["prediction"]) == list(answers["prediction"])
    assert not {"age", "income"} & set(found.columns) and list(found["member"]) == list(answers["member"])
    assert list(found["age_hashed"]) == [keys.hash(value) for value in answers["age"]]
    row = trace._find_scored(Path(redacted.contract.data_uri), done.first_prediction_id)
    assert row is not None and row["redacted"] == rules
    assert set(row["inputs"]) == {"age", "member", "region"} and row["inputs"]["age"] == keys.hash(answers["age"][0])
    known = trace._find_scored(Path(context.contract.data_uri), done.first_prediction_id)
    assert known is not None and known["redacted"] == {} and known["inputs"]["age"] == answers["age"][0]


def test_given_a_rule_about_no_column_when_the_table_is_checked_then_it_is_refused_by_name(
    repo: Path, pipeline: Pipeline
) -> None:
    manifest = repo / "factory.yaml"
    said = yaml.safe_load(manifest.read_text())
    said["environments"]["prod"]["capture_columns"] = {"e-mail": "drop", "churned": "drop", "*": "keep"}
    manifest.write_text(yaml.safe_dump(said))
    with pytest.raises(UsageProblem, match=r"prod\.capture_columns: SCHEMA has no column e-mail: write one of age, "):
        pipeline()


def test_given_other_code_than_the_model_s_when_scored_then_refused(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    features = repo / "src/demo_case/features.py"
    features.write_text(features.read_text().replace("np.log1p", "np.sqrt"))
    with pytest.raises(FactoryError, match="trained with other science"):
        score(context)


def test_given_no_model_when_scored_then_one_line(context: Context) -> None:
    with pytest.raises(FactoryError, match="no champion"):
        score(context)


def test_given_no_model_and_a_large_input_when_scored_then_it_is_not_read_to_its_end_first(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = Large()

    def look(asked: Context) -> Version:
        try:
            return model(asked)
        finally:
            large.counts.set()

    model = scoring._model
    monkeypatch.setattr(scoring, "_model", look)
    monkeypatch.setattr(scoring, "_split", lambda *_: Split(None, (), 1))  # type: ignore[arg-type]
    monkeypatch.setattr(Located, "open", lambda *_: large)

    with pytest.raises(FactoryError, match="no champion"):
        score(context)

    assert large.left > 0


class Large(io.RawIOBase):
    """A file that is read for long after it `counts`."""

    def __init__(self) -> None:
        super().__init__()
        self.counts, self.left = threading.Event(), 1_000_000

    def read(self, _: int = -1) -> bytes:
        self.left -= self.counts.is_set()
        return b"x" if self.left else b""


def test_given_ignored_columns_with_the_names_that_predictions_get_when_scored_then_those_of_the_model_are_there(
    repo: Path, pipeline: Pipeline
) -> None:
    ours = ["prediction", "probability_0", "probability_9", "scored_at", "model_version", "model_sha256"]
    ours += ["Prediction_ID", "note"]
    table = repo / "data" / "customers.csv"
    heads, *lines = table.read_text().splitlines()
    table.write_text("\n".join([",".join([heads, *ours]), *(line + ",old" * len(ours) for line in lines), ""]))
    schema = repo / "src/demo_case/schema.py"
    added = f"\nIGNORED = {ours}\nSCHEMA = SCHEMA.add_columns({{name: pa.Column(str) for name in IGNORED}})\n"
    schema.write_text(schema.read_text() + added)
    pipeline()
    context = Context(project.load(repo))
    assert score(context).rows == 400
    found = tables.read(context.tables, "scored")
    assert set(found["prediction"]) <= {0, 1}
    assert set(found["model_version"]) == {1}
    assert "probability_9" not in found
    assert set(found["note"]) == {"old"}
