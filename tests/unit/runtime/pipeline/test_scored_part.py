"""A batch in parts on the workers of a cluster: the same rows, ids and answers as in one process, each once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
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
from aifactory_runtime.monitoring import batches
from aifactory_runtime.pipeline import executing
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.score import Scored, score
from aifactory_runtime.retention import known
from tests.fixtures.usecase_repo import write_customers

pytestmark = pytest.mark.slow

Pipeline = Callable[..., Handoff]
PIECES = 12


class Here:
    """A repo with a model, a folder of tables to score, and a cluster whose workers know the repo's science."""

    def __init__(self, repo: Path, executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repo, self.executor, self._patch = repo, executor, monkeypatch
        self._number = 0
        executor.client.restart()  # with this process' path, and nothing of another repo

    def score(self, given: str, executor: Executor | None = None) -> tuple[Scored, Context]:
        """Into an environment of its own, in this process or as told."""
        self._number += 1
        with self._patch.context() as patch:
            patch.setenv("AIFACTORY_DATA_URI", str(self.repo / f"tables-{self._number}"))
            if executor is not None:
                patch.setattr(executing, "of", lambda _: always(executor))
            context = Context(project.load(self.repo))
            return score(context, given), context


@contextmanager
def always(executor: Executor) -> Iterator[Executor]:
    yield executor


class Killing:
    """Kills a worker, another one each time, with SIGKILL, while parts are on their way."""

    def __init__(self, executor: DaskExecutor, after: tuple[int, ...]) -> None:
        self._executor, self._after, self.killed = executor, after, 0

    @property
    def workers(self) -> int:
        return self._executor.workers

    def in_order(self, function: Callable[[Any], Any], partitions: Iterable[Any], *, what: str) -> Iterator[Any]:
        for number, result in enumerate(self._executor.in_order(function, partitions, what=what)):
            yield result
            if number in self._after:
                pids = list(self._executor.client.run(os.getpid).values())
                os.kill(pids[self.killed % len(pids)], signal.SIGKILL)
                self.killed += 1


@pytest.fixture
def here(repo: Path, pipeline: Pipeline, dask_executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch) -> Here:
    pipeline()
    for number in range(PIECES):
        place = repo / "data" / "many" / f"{number:02d}.csv"
        place.parent.mkdir(exist_ok=True)
        write_customers(place, rows=30 + number, seed=number)
        frame = pd.read_csv(place)
        (repo / "data" / "stored").mkdir(exist_ok=True)
        frame.to_parquet(repo / "data" / "stored" / f"{number:02d}.parquet", row_group_size=20)
    monkeypatch.setattr(pieces, "piece_rows", lambda _: 20)
    return Here(repo, dask_executor, monkeypatch)


def said(context: Context) -> pd.DataFrame:
    return tables.read(context.tables, tables.SCORED).drop(columns="scored_at")


def files_there(context: Context) -> set[str]:
    found = (Path(context.contract.data_uri) / "scored").rglob("*.parquet")
    return {path.relative_to(Path(context.contract.data_uri) / "scored").as_posix() for path in found}


def test_given_a_cluster_when_scored_then_every_row_and_id_is_as_in_one_process_also_when_workers_are_killed(
    here: Here,
) -> None:
    for given in ("data/stored", "data/many"):
        alone, one = here.score(given)
        killing = Killing(here.executor, (2,) if given == "data/many" else ())
        done, many = here.score(given, killing)

        assert killing.killed == (2 if given == "data/many" else 0), "while rows are counted, and while they are scored"
        assert (done.rows, done.first_prediction_id) == (alone.rows, alone.first_prediction_id)
        pd.testing.assert_frame_equal(said(many), said(one), check_exact=True)
        assert said(many)["prediction_id"].is_unique
        table = DeltaTable(str(many.tables / "scored"))
        assert table.version() == 0
        assert len(parts.stored(table)) >= PIECES
        assert files_there(many) == {file.path for file in parts.stored(table)}
        assert not (many.tables / "scored" / "_writing").exists()

    # What looks at batches sees one, however many files it has.
    assert len(known.batches(many.tables)) == 1
    assert tables.starts(many.tables, tables.SCORED) == [0]
    windowed = [one.id for one in batches.read(many.tables, 0, 50)]
    assert windowed == [one.id for one in batches.read(one.tables, 0, 50)]
    assert len(windowed) == 50


@pytest.mark.long
def test_given_a_bad_cell_in_one_part_when_scored_on_a_cluster_then_it_is_named_and_nothing_is_there(
    here: Here,
) -> None:
    place = here.repo / "data" / "many" / "07.csv"
    heads, *lines = place.read_text().splitlines()
    at = heads.split(",").index("age")
    lines[4] = ",".join("old" if number == at else cell for number, cell in enumerate(lines[4].split(",")))
    place.write_text("\n".join([heads, *lines, ""]))

    with pytest.raises(FactoryError, match=r"many/07\.csv: column age holds values .* the first in row 5 under"):
        here.score("data/many", here.executor)

    table = here.repo / "tables-1" / "scored"  # parts on their way may still end, in files that nobody names
    assert {path.name for path in table.glob("*")} <= {"_writing"}


@pytest.mark.long
def test_given_hashed_columns_when_scored_on_a_cluster_then_workers_hash_them_with_the_environments_key(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIFACTORY_CAPTURE_COLUMNS", json.dumps({"age": "hash", "income": "drop"}))
    _, one = here.score("data/stored")
    _, many = here.score("data/stored", here.executor)
    assert "age_hashed" in said(many) and not {"age", "income"} & set(said(many))
    pd.testing.assert_frame_equal(said(many), said(one), check_exact=True)
