"""Steps of the pipeline on the workers of a cluster: the same tables and reports as in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from deltalake import DeltaTable

from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.config import project
from aifactory_runtime.data import parts, pieces, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import executing
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from tests.fixtures.usecase_repo import write_customers

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]
FILES, BLOCK = 8, 40


@pytest.fixture
def many(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data source of several files, whose customers have an id that is declared unique, in small blocks."""
    folder = repo / "data" / "many"
    folder.mkdir()
    for number in range(FILES):
        write_customers(folder / f"{number}.csv", rows=50 + number, seed=number)
        frame = pd.read_csv(folder / f"{number}.csv")
        frame.insert(0, "customer_id", [f"c{number}-{row}" for row in range(len(frame))])
        frame.to_csv(folder / f"{number}.csv", index=False)
    schema = repo / "src/demo_case/schema.py"
    text = schema.read_text().replace('TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("customer_id",)')
    schema.write_text(text.replace('"age": pa', '"customer_id": pa.Column(str, unique=True),\n        "age": pa'))
    monkeypatch.setenv("AIFACTORY_DATA_SOURCE", "data/many")
    monkeypatch.setattr(parts, "chunk_rows", lambda _: BLOCK)
    monkeypatch.setattr(pieces, "piece_rows", lambda _: BLOCK)
    return folder


@pytest.fixture
def run(
    repo: Path, pipeline: Pipeline, dask_executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs steps in an environment of its own, in this process or on the cluster: handoff, context and report."""
    numbers = iter(range(100))

    def start(*steps: str, cluster: bool) -> tuple[Handoff, Context, dict[str, Any]]:
        place = repo / f"environment-{next(numbers)}"
        with monkeypatch.context() as patch:
            for key in ("DATA", "ARTIFACT"):
                patch.setenv(f"AIFACTORY_{key}_URI", str(place / key))
            if cluster:
                dask_executor.client.restart()
                patch.setattr(executing, "of", lambda _: always(dask_executor))
            handoff, context = pipeline(*steps), Context(project.load(repo))
            report = context.artifacts / "runs" / handoff.id / "validation.json"
            return handoff, context, json.loads(report.read_text()) if report.exists() else {}

    return start


@contextmanager
def always(executor: Executor) -> Iterator[Executor]:
    yield executor


@pytest.mark.usefixtures("many")
def test_given_a_cluster_when_read_and_checked_then_rows_and_report_are_as_in_one_process(
    run: Callable[..., Any],
) -> None:
    one, alone, report = run("ingest", "validate", cluster=False)
    other, spread, also = run("ingest", "validate", cluster=True)

    assert other.table("raw", "ingest") == one.table("raw", "ingest")
    raw = [tables.read(context.tables, "raw") for context in (alone, spread)]
    pd.testing.assert_frame_equal(raw[1], raw[0], check_exact=True)
    assert len(raw[0]) == sum(50 + number for number in range(FILES))
    files = [len(parts.stored(DeltaTable(str(context.tables / "raw")))) for context in (alone, spread)]
    assert files[0] == 1 and files[1] == FILES
    assert also == report
    assert report["key"] == ["customer_id"] and report["repeated"] == {"customer_id": 0}


def test_given_an_id_in_two_parts_when_checked_on_a_cluster_then_it_is_found_over_all_of_them(
    run: Callable[..., Any], many: Path
) -> None:
    text = (many / "7.csv").read_text()
    (many / "7.csv").write_text(text.replace("c7-3,", "c0-9,"))
    with pytest.raises(FactoryError, match=r"customer_id is repeated in 1 rows, schema\.py declares it unique"):
        run("ingest", "validate", cluster=True)


def test_given_a_cell_that_does_not_fit_when_read_on_a_cluster_then_file_row_and_column_are_named(
    run: Callable[..., Any], many: Path
) -> None:
    frame = pd.read_csv(many / "5.csv", dtype=str)
    frame.loc[11, "age"] = "old"
    frame.to_csv(many / "5.csv", index=False)
    with pytest.raises(FactoryError, match=r"many/5\.csv: column age holds .* the first in row 12 under the header"):
        run("ingest", cluster=True)
    frame.loc[11, "age"] = "999"
    frame.to_csv(many / "5.csv", index=False)
    with pytest.raises(FactoryError, match=r"does not fit schema\.py: age fails in_range\(.*\) in 1 rows"):
        run("ingest", "validate", cluster=True)
