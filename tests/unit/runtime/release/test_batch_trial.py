"""How batches of a producer are taken, in one process with nothing provisioned: what staging's test asks the code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from aifactory_runtime.config import project
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import tables
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry import model_folder
from aifactory_runtime.release import batch_trial, offline
from aifactory_runtime.serving.request_decoding import RowReader

pytestmark = pytest.mark.slow
Pipeline = Callable[..., Handoff]
CSV = ReadSettings(format="csv", separator=";", decimal=",", encoding="utf-16")


@pytest.mark.parametrize("read", [CSV, ReadSettings(format="parquet"), ReadSettings(format="delta")])
def test_given_a_source_of_any_format_when_batches_are_tried_then_wrong_ones_are_refused_and_leave_nothing(
    repo: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: ReadSettings
) -> None:
    pipeline()
    written = repo / "today"
    batch_trial.write_like(pd.read_csv(repo / "data" / "customers.csv").head(30), written, read)
    base = repo / "conf" / "base.yaml"
    settings = json.dumps(read.model_dump(mode="json", exclude_unset=True))
    base.write_text(base.read_text().replace("data:\n", f"data:\n  read: {settings}\n"))
    monkeypatch.setenv("AIFACTORY_BATCH_SOURCE", "today")
    monkeypatch.setenv("AIFACTORY_DATA_URI", str(tmp_path / "trial"))
    context = Context(project.load(repo))
    (tmp_path / "batches").mkdir()

    checks = batch_trial.Trial(context, tmp_path / "batches").run(offline.head(context, 20))

    found = {check.name: check.found for check in checks}
    assert [check.name for check in checks if not check.passed] == []
    assert found["batch: as it should be"] == "20 predictions for 20 rows"
    assert found["batch: every row twice"] == "40 predictions for 40 rows"
    assert {name for name, said in found.items() if said == "refused"} == {
        "batch: wrong values of kind number",
        "batch: wrong values of kind integer",
        "batch: wrong values of kind boolean",
        "batch: a missing column",
        "batch: no rows",
    }
    assert tables.count(context.tables, tables.SCORED) == 60


def test_given_a_model_when_asked_offline_then_rows_are_those_that_the_service_reads(
    pipeline: Pipeline, context: Context
) -> None:
    handoff = pipeline()
    model = Path(context.contract.artifact_uri) / "runs" / handoff.id / "model"

    said = offline.said_of(context, model, 7)

    assert len(said["rows"]) == len(said["predictions"]) == len(said["probabilities"]) == 7
    reader = RowReader(model_folder.read_schema(model), max_rows=10)
    for row in said["rows"]:
        assert len(reader.predict(json.dumps({"rows": [row]}).encode()).records) == 1
