"""Outliers that are capped or removed by the pipeline: training, test, batches and the service do the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.config import project
from aifactory_runtime.data import tables
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.pipeline.training import training_data
from aifactory_runtime.registry import model_folder
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.model import ServedModel
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit

pytestmark = pytest.mark.slow
FAR = 5e7
SERVED = Served(version="1", sha256="a" * 64, uri="", commit="b" * 40, code_sha256="c" * 64)


def _far(repo: Path, what: str) -> None:
    """Every 20th income is far from the others, and conf says what becomes of it."""

    def change(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines[1:]]
        far = [[row[0], str(FAR + place), *row[2:]] if place % 50 == 0 else row for place, row in enumerate(rows)]
        return [lines[0], *map(",".join, far)]

    data_of(repo, change)
    conf = f"data:\n  outlier_sigmas: 4\n  columns: {{income: {{outliers: {what}}}}}\n"
    edit(repo, "conf/base.yaml", "data:\n", conf)


def _report(context: Context, run: str) -> dict[str, Any]:
    text = (context.artifacts / "runs" / run / "validation.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def test_given_a_cap_when_run_then_batches_and_the_service_answer_alike_and_the_report_says_the_limits(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    _far(repo, "cap")
    run = pipeline()
    place = training_data.place(context, run)
    schema, estimator = model_folder.read_schema(place), model_folder.load_estimator(place)
    cap = next(column.cap for column in schema.columns if column.name == "income")
    found = _report(context, run.id)["outlier_limits"]["income"]
    assert cap is not None and cap == (found["least"], found["most"])
    assert 90_000 < cap[1] < FAR
    assert found["outliers"] == "cap"
    assert found["training_rows"] + found["other_rows"] == 8
    assert tables.count(context.tables, "prepared", run.tables["prepared"].version) == 400

    context = Context(project.load(repo))
    score(context)
    batch = tables.read(context.tables, "scored").head(60)
    inputs = batch[["age", "income", "member", "region"]].astype(object).where(batch["income"].notna(), None)
    asked = [row for row in inputs.to_dict("records") if row["income"] is not None]
    model = ServedModel.make(SERVED, schema, estimator, context.project.science.features(), max_rows=60)
    served = model.predict(model.reader.predict(json.dumps({"rows": asked}).encode()))
    stored = batch.loc[batch["income"].notna(), ["probability_0", "probability_1"]].to_numpy().tolist()
    assert [row["probabilities"] for row in served] == stored
    further = [{**asked[0], "income": FAR * factor} for factor in (1, 1000)]
    one, other = model.predict(model.reader.predict(json.dumps({"rows": further}).encode()))
    assert one == other


def test_given_remove_when_run_then_training_alone_loses_the_rows(
    repo: Path, pipeline: Pipeline, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    plain = pipeline("ingest", "validate", "prepare")
    _far(repo, "count")
    counted = pipeline("ingest", "validate", "prepare")
    edit(repo, "conf/base.yaml", "outliers: count", "outliers: remove")
    removed = pipeline()

    before, after = _report(context, counted.id), _report(context, removed.id)
    found = after["outlier_limits"]["income"]
    assert before["outlier_limits"]["income"]["outliers"] == "count"
    assert found["outliers"] == "remove"
    assert found["removed"] > 0
    assert found["removed"] + found["kept"] == 8
    assert after["splits"] == {**before["splits"], "train": before["splits"]["train"] - found["removed"]}
    assert f"{found['removed']} training rows with outliers are taken out of training" in caplog.text
    frame = tables.read(context.tables, "prepared", removed.tables["prepared"].version)
    assert frame[frame["split"] == "train"]["income"].max() < FAR
    assert (frame[frame["split"] != "train"]["income"] >= FAR).sum() == 8
    assert removed.tables["reference"] == plain.tables["reference"]
    assert all(column.cap is None for column in model_folder.read_schema(training_data.place(context, removed)).columns)
