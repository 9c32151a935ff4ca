"""The step prepare by partition: the same rows in the same split, whatever the number of partitions and buckets."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from distributed import Client

from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.data import csv_text, partitions, parts, tables
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import prepare, split_rows
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from tests.fixtures.usecase_repo import PACKAGE, write_customers
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import data_of, edit

pytestmark = pytest.mark.slow


def parted(patch: pytest.MonkeyPatch, partition: int, bucket: int) -> None:
    """Let partitions and buckets have about so many rows."""
    patch.setattr(parts, "chunk_rows", lambda _: 50)
    patch.setattr(csv_text, "_BLOCK_BYTES", 2_048)
    patch.setattr(partitions, "ROWS", partition)
    patch.setattr(split_rows, "BUCKET_ROWS", bucket)


def with_days(repo: Path) -> None:
    """The table with the day of each row, by which it is split, and incomes that are taken out of training."""

    def change(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines[1:]]
        far = [[row[0], "5e7", *row[2:]] if place % 50 == 0 else row for place, row in enumerate(rows)]
        days = [f"{(place * 7919) % len(rows)}" for place in range(len(rows))]
        return [f"day,{lines[0]}", *(f"{day},{','.join(row)}" for day, row in zip(days, far, strict=True))]

    data_of(repo, change)
    schema = "src/demo_case/schema.py"
    edit(repo, schema, 'TARGET = "churned"', 'TARGET = "churned"\nIGNORED = ("day",)\nTIME = "day"')
    edit(repo, schema, '"age": pa', '"day": pa.Column(int),\n        "age": pa')
    edit(repo, "conf/base.yaml", "data:\n", "data:\n  outlier_sigmas: 4\n  columns: {income: {outliers: remove}}\n")


@dataclass(frozen=True)
class Seen:
    """What a run made of the raw table, its report, and its newest labelled rows with their places."""

    tables: Mapping[str, tables.TableVersion]
    rows: list[pd.DataFrame]
    report: dict[str, Any]
    window: tuple[Mapping[str, Any], bytes]


def seen(context: Context, run: Handoff) -> Seen:
    folder = handoffs.folder(context.artifacts, run.id)
    assert not (folder / "exchange").exists()
    rows = [tables.read(context.tables, name, run.tables[name].version) for name in ("prepared", "reference")]
    places = folder / "window.npy"
    window = (run.window or {}, places.read_bytes() if places.exists() else b"")
    return Seen(run.tables, rows, json.loads((folder / "validation.json").read_text()), window)


def grow(repo: Path, *, timed: bool) -> None:
    """Other rows, all of them newer."""
    write_customers(repo / "data" / "customers.csv", rows=500, seed=5)
    before = (repo.parent / "first.csv").read_text().splitlines()[1:]
    if timed:
        data_of(repo, lambda lines: [f"day,{lines[0]}", *(f"{day},{row}" for day, row in enumerate(lines[1:], 600))])
    data_of(repo, lambda lines: [lines[0], *before[::2], *lines[1:], *before[1::2]])


def leaves_out(repo: Path) -> None:
    """A schema that takes some of the stored rows out, as that of a table with rows without a target does."""
    schema = "src/demo_case/schema.py"
    edit(repo, schema, "SCHEMA = pa", 'def _known(table):\n    return table[table["age"] != 30]\n\n\nSCHEMA = pa')
    edit(repo, schema, "    strict=True,", "    parsers=pa.Parser(_known),\n    strict=True,")
    edit(repo, "conf/base.yaml", "gate:\n", "gate:\n  window: {least_rows: 50}\n")


@pytest.mark.parametrize(("timed", "whole"), [(False, True), (True, True), (True, False)])
def test_given_partitions_and_buckets_when_prepared_then_rows_digests_and_report_are_those_of_one(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch, *, timed: bool, whole: bool
) -> None:
    if not whole:
        leaves_out(repo)
    steps, table = ("ingest", "validate", "prepare"), repo / "data" / "customers.csv"
    write_customers(table, rows=600, seed=4)
    if timed:
        with_days(repo)
    shutil.copy(table, repo.parent / "first.csv")
    parted(monkeypatch, 10**6, 10**6)
    pipeline(*steps)
    shutil.copytree(Path(context.contract.data_uri), repo.parent / "before")
    grow(repo, timed=timed)
    expected = seen(context, pipeline(*steps))
    shutil.rmtree(Path(context.contract.data_uri))
    (repo.parent / "before").rename(Path(context.contract.data_uri))
    parted(monkeypatch, 120, 40)
    found = seen(context, pipeline(*steps))
    assert len(partitions.of(context.tables, "raw")) > 3
    assert found.tables == expected.tables
    for one, other in zip(found.rows, expected.rows, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert found.report == expected.report
    assert found.window == expected.window
    assert (found.window[0].get("rows", 0) > 0) is timed


def _let_import(folder: Path) -> None:
    sys.path.insert(0, str(folder))


def _forget(folder: Path) -> None:
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_given_a_cluster_when_prepared_then_the_tables_are_those_of_this_process(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch, dask_client: Client
) -> None:
    parted(monkeypatch, 120, 100)
    here = pipeline("ingest", "validate", "prepare")
    dask_client.run(_let_import, repo / "src")
    try:
        there = prepare.by_partition(context, here, DaskExecutor(dask_client))
    finally:
        dask_client.run(_forget, repo / "src")
    assert len(partitions.of(context.tables, "raw")) > 2
    assert there.tables == here.tables
