"""The pipeline's steps over tables in chunks: scoring, ignored columns, sampling, memory, and what is reported."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.config import project
from aifactory_runtime.data import parts, table_writing, tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import arrays, memory, scored_part
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.score import score
from aifactory_runtime.registry.model_folder import Column, InputSchema
from tests.fixtures.usecase_repo import write_customers

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]
SCHEMA = InputSchema("y", (Column("a", "number"), Column("c", "category")), ("c=z", "a"), (0, 1))


def _edit(repo: Path, name: str, old: str, new: str) -> None:
    path = repo / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _rows(path: Path, change: Callable[[int, dict[str, str]], dict[str, str]]) -> None:
    """Every row of a CSV file anew."""
    with path.open(newline="", encoding="utf-8") as stream:
        made = [change(number, row) for number, row in enumerate(csv.DictReader(stream))]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(made[0]))
        writer.writeheader()
        writer.writerows(made)


def _with_ids(repo: Path) -> None:
    """The table and its schema with a number for each customer, which no model sees."""
    _rows(repo / "data" / "customers.csv", lambda number, row: {"customer_id": f"{number:06d}", **row})
    schema = "src/demo_case/schema.py"
    _edit(repo, schema, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("customer_id",)')
    _edit(repo, schema, '"age": pa', '"customer_id": pa.Column(str, unique=True),\n        "age": pa')


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 150 rows, so that small tables have several."""
    monkeypatch.setattr(parts, "chunk_rows", lambda _: 150)


def _prepared(folder: Path, size: int = 500) -> pd.DataFrame:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "a": draw.normal(size=size),
            "c": ["late" if number == size - 1 else "x" if number % 2 else "z" for number in range(size)],
            "y": draw.integers(0, 2, size=size),
            "split": ["train"] * size,
        }
    )
    table_writing.write(folder, "prepared", [frame], "one")
    return frame


@pytest.mark.usefixtures("small_chunks")
def test_given_a_split_when_loaded_in_chunks_then_matrix_and_labels_are_those_of_the_whole(tmp_path: Path) -> None:
    frame = _prepared(tmp_path)
    values, labels = arrays.load(tmp_path, 0, "train", SCHEMA, dict)
    assert np.array_equal(values, np.column_stack([frame["c"] == "z", frame["a"]]).astype(float))
    assert values.dtype == np.float64
    assert np.array_equal(labels, frame["y"])
    assert np.array_equal(arrays.load_labels(tmp_path, 0, "train", "y"), frame["y"])


@pytest.mark.usefixtures("small_chunks")
def test_given_a_text_that_occurs_late_when_pinned_then_it_has_its_column(tmp_path: Path) -> None:
    _prepared(tmp_path)
    found = arrays.pin_split(tmp_path, 0, "train", SCHEMA, lambda columns: {"kind": columns["c"], "a": columns["a"]})
    assert found.features == ("kind=late", "kind=x", "kind=z", "a")
    with pytest.raises(FactoryError, match="no row in test"):
        arrays.pin_split(tmp_path, 0, "test", SCHEMA, dict)


@pytest.mark.usefixtures("small_chunks")
def test_given_a_feature_that_is_infinite_in_a_late_row_when_loaded_then_it_is_named(tmp_path: Path) -> None:
    _prepared(tmp_path)
    schema = InputSchema("y", SCHEMA.columns, ("ratio",), (0, 1))
    with pytest.raises(UsageProblem, match="ratio has infinite values"):
        arrays.load(tmp_path, 0, "train", schema, lambda c: {"ratio": np.where(c["c"] == "late", np.inf, c["a"])})


def test_given_chunks_when_run_then_the_model_is_that_of_the_whole(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(parts, "chunk_rows", lambda _: 150)
        chunked = pipeline()
    assert pipeline().model_sha256 == chunked.model_sha256


@pytest.mark.usefixtures("small_chunks")
def test_given_ignored_columns_when_scored_then_they_pass_through_and_are_not_needed(
    repo: Path, pipeline: Pipeline
) -> None:
    _with_ids(repo)
    pipeline()
    context = Context(project.load(repo))
    assert score(context).rows == 400
    found = tables.read(context.tables, "scored")
    assert found["customer_id"].tolist() == [f"{number:06d}" for number in range(400)]
    assert found["prediction_id"].nunique() == 400
    assert "churned" not in found
    write_customers(repo / "data" / "more.csv", rows=30, seed=5)
    assert score(context, "data/more.csv").rows == 30
    assert tables.read(context.tables, "scored")["customer_id"].isna().sum() == 30


@pytest.mark.usefixtures("small_chunks")
def test_given_a_row_that_does_not_fit_when_scored_then_none_of_the_batch_is_there(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()
    write_customers(repo / "data" / "today.csv", rows=400, seed=9)
    _rows(repo / "data" / "today.csv", lambda number, row: {**row, "age": "999"} if number == 399 else row)
    with pytest.raises(FactoryError, match="age fails in_range"):
        score(context, "data/today.csv")
    assert not (context.tables / "scored").exists()


def test_given_a_batch_that_was_scored_when_scored_again_then_no_model_is_loaded(
    pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline()
    first = score(context)
    monkeypatch.delattr("aifactory_runtime.registry.model_folder.load_estimator")
    again = score(context)
    assert (again.rows, again.new) == (first.rows, False)


def test_given_ids_of_predictions_when_made_then_they_say_input_model_and_row() -> None:
    found = scored_part.prediction_ids("0123456789abcdef", 254, 3).to_pylist()
    assert found == ["0123456789abcdef" + end for end in ("00000000000000fe", "00000000000000ff", "0000000000000100")]


def test_given_a_table_that_is_not_validated_when_prepared_then_validate_is_named(pipeline: Pipeline) -> None:
    run = pipeline("ingest").id
    with pytest.raises(UsageProblem, match="run validate first"):
        pipeline("prepare", run_id=run)


def test_fault_22_given_a_table_with_other_columns_when_run_then_the_difference_to_the_last_one_is_shown(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline()

    def other(_: int, row: dict[str, str]) -> dict[str, str]:
        region = row.pop("region")
        return {**row, "area": region}

    _rows(repo / "data" / "customers.csv", other)
    with pytest.raises(FactoryError) as caught:
        pipeline()
    assert "since the last table that was trained on: - region (string), + area (string)" in str(caught.value)
    assert "east" not in str(caught.value)
    assert len(context.registry.versions()) == 1


def test_fault_23_given_infinite_values_when_conf_takes_them_for_missing_then_a_model_is_trained(
    repo: Path, pipeline: Pipeline
) -> None:
    _rows(repo / "data" / "customers.csv", lambda number, row: {**row, "income": "inf"} if number == 3 else row)
    with pytest.raises(FactoryError, match="infinite values in income"):
        pipeline()
    _edit(repo, "conf/base.yaml", "data:\n", "data:\n  columns: {income: {infinite: missing}}\n")
    assert pipeline().version == 1


def test_given_another_type_in_schema_py_when_run_again_then_the_table_is_read_anew(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    first = pipeline("ingest")
    _edit(repo, "src/demo_case/schema.py", '"age": pa.Column(int', '"age": pa.Column(float')
    assert pipeline("ingest").tables["raw"].version == first.tables["raw"].version + 1
    assert str(tables.columns(context.tables, "raw").field("age").type) == "double"


def test_given_a_run_when_validated_and_prepared_then_the_report_says_what_was_found(
    pipeline: Pipeline, context: Context
) -> None:
    run = pipeline("ingest", "validate", "prepare").id
    report = json.loads((context.artifacts / "runs" / run / "validation.json").read_text())
    assert report["rows"] == 400 == sum(report["splits"].values()) + report["duplicates"]
    assert set(report["classes"]) == {"0", "1"}
    assert report["missing"].keys() == {"income"}
    assert report["test_rows_known_from_training"] == {"inputs": 0}
    assert report["rarest_class"]["test"] > 0


def test_fault_21_given_less_memory_than_the_matrix_takes_when_trained_then_one_line_before_it_begins(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_SMALL", 0)
    monkeypatch.setattr(memory, "available", lambda: 10_000)
    with pytest.raises(FactoryError, match=r"set data\.max_train_rows in conf to \d+ or less") as caught:
        pipeline()
    most = int(str(caught.value).partition("conf to ")[2].split()[0])
    _edit(repo, "conf/base.yaml", "data:\n", f"data:\n  max_train_rows: {most}\n")
    assert context.registry.versions() == []
    run = pipeline("ingest", "validate", "prepare")
    assert tables.count(context.tables, "prepared", run.tables["prepared"].version, ("split", "train")) == most


def test_given_this_machine_when_asked_then_memory_is_free() -> None:
    free = memory.available()
    assert free is not None
    assert free > 0
    memory.check(10**6, 20)
    with pytest.raises(FactoryError, match="larger machine"):
        memory.check(10**12, 20)


def test_fault_28_given_a_clock_that_goes_back_when_run_again_then_the_newest_table_is_the_last_one_written(
    repo: Path, pipeline: Pipeline, context: Context
) -> None:
    pipeline("ingest")
    log = Path(context.contract.data_uri) / "raw" / "_delta_log" / f"{0:020d}.json"
    log.write_text(log.read_text().replace('"timestamp":1', '"timestamp":9'))
    write_customers(repo / "data" / "customers.csv", rows=50, seed=2)
    assert pipeline("ingest").tables["raw"].version == 1
    assert tables.count(context.tables, "raw") == 50
