"""The embedded database: made whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import database
from tests.unit.runtime.conftest import Pipeline

SCRIPT = """
import sys
from pathlib import Path
from aifactory_runtime.registry import database
print("making", flush=True)
database.make(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_fault_26_given_a_kill_while_the_database_is_made_when_made_again_then_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    first = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE)
    while not any(one.stat().st_size for one in tmp_path.glob(".mlflow.db.*")):
        assert first.poll() is None
        time.sleep(0.005)
    first.kill()
    first.communicate()
    assert not path.exists()

    database.make(path)

    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"sqlite:///{path}", str(tmp_path / "artifacts"))
    assert [experiment.name for experiment in store.search_experiments()] == ["Default"]
    assert list(tmp_path.glob(".mlflow.db.*")) == [], "what the killed one left is gone"


@pytest.mark.heavy
@pytest.mark.parametrize("keep", [0, 50_000])
def test_given_a_damaged_database_when_the_pipeline_runs_then_one_line_names_it_and_what_to_do(
    keep: int, repo: Path, pipeline: Pipeline
) -> None:
    path = repo / ".factory" / "embedded" / "mlflow.db"
    path.write_bytes(path.read_bytes()[:keep] or b"no database" * 1000)

    with pytest.raises(FactoryError, match=r"mlflow\.db: .*(not a database|malformed).*; restore it from a backup"):
        pipeline()


def test_fault_26_given_leftovers_of_makers_when_made_again_then_only_those_of_the_dead_go(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = (f".mlflow.db.{dead.pid}", f".mlflow.db.{dead.pid}-journal", f".mlflow.db.{os.getppid()}", ".mlflow.db.old")
    for name in names:
        (tmp_path / name).write_text("")

    database._clear_half_made(tmp_path / "mlflow.db")

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[2:])


@pytest.mark.slow
def test_given_two_that_make_the_database_at_once_when_the_second_is_done_then_what_the_first_wrote_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = tmp_path / "mlflow.db", database._make_tables

    def overtaken(engine: Any) -> None:
        """While ours is made another process makes its own, and begins to write."""
        made(engine)
        subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, capture_output=True)
        with closing(sqlite3.connect(path)) as first:
            first.execute("CREATE TABLE runs_of_the_first (id)")

    monkeypatch.setattr(database, "_make_tables", overtaken)
    database.make(path)

    with closing(sqlite3.connect(path)) as found:
        assert found.execute("SELECT * FROM runs_of_the_first").fetchall() == []
    assert [one.name for one in tmp_path.iterdir()] == ["mlflow.db"]


def test_given_a_folder_in_the_databases_place_when_opened_then_it_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()

    with pytest.raises(FactoryError, match=r"mlflow\.db is no file that can be read: .* move it away"):
        database.make(tmp_path / "mlflow.db")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "MLflow's tables are not in it any more"), (b"no database" * 1000, "file is not a database")],
)
def test_given_an_emptied_or_damaged_database_when_opened_then_it_is_told_and_not_begun_anew(
    content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "100%" / "mlflow.db"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(FactoryError, match=rf"mlflow\.db: {says}; restore it from a backup, or move it away"):
        database.make(path)

    assert path.read_bytes() == content
    with closing(sqlite3.connect(tmp_path / "good.db")) as good:
        good.execute("CREATE TABLE experiments (id)")
    database.make(tmp_path / "good.db")
