"""A batch of the table `scored` as a file: its own rows, whole or not at all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from aifactory_runtime.data import source, table_writing, tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import commands, scored_file
from aifactory_runtime.pipeline.score import Scored
from tests.fixtures.usecase_repo import run

OURS = Scored(rows=2, version=1, input_sha256="d" * 64, first_prediction_id="a" * 16 + "0" * 16, new=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables in which two batches were scored; the second has a column that the first lacks."""
    for prefix, extra in (("b", {}), ("a", {"note": ['one, "two"', None]})):
        rows = {
            "age": [40, 41],
            "income": [0.1, None],
            "since": [datetime(2026, 1, 31), None],
            **extra,
            "prediction": [prefix, prefix],
            "prediction_id": [prefix * 16 + f"{number:016x}" for number in range(2)],
        }
        table_writing.append(tmp_path / "tables", tables.SCORED, [pd.DataFrame(rows)], {"batch": prefix})
    return tmp_path / "tables"


@pytest.mark.parametrize("name", ["out.csv", "OUT.CSV", "out.parquet"])
def test_given_two_batches_when_one_is_written_then_its_rows_alone_come_back(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text("what was there before")

    scored_file.write(folder, OURS, path)

    found = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    assert list(found["age"]) == [40, 41] and list(found["prediction"]) == ["a", "a"]
    assert found["income"][0] == 0.1 and pd.isna(found["income"][1])
    assert str(found["since"][0]).startswith("2026-01-31") and pd.isna(found["since"][1])
    assert found["note"][0] == 'one, "two"' and pd.isna(found["note"][1])
    assert list(found["prediction_id"]) == [f"{'a' * 16}{number:016x}" for number in range(2)]


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_given_a_batch_that_is_not_whole_when_written_then_what_was_there_stays(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text("what was there before")
    larger = Scored(rows=3, version=1, input_sha256="d" * 64, first_prediction_id=OURS.first_prediction_id, new=True)

    with pytest.raises(FactoryError, match="holds 2 of the 3 rows"):
        scored_file.write(folder, larger, path)

    assert path.read_text() == "what was there before"
    assert {one.name for one in tmp_path.iterdir()} == {name, "tables"}


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.csv.gz", "gone/out.csv", "folder.csv"])
def test_given_a_place_that_cannot_be_written_when_asked_then_usage_before_anything_is_scored(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr(commands, "open_context", lambda: pytest.fail("began to score"))

    done = CliRunner().invoke(commands.score, ["--output", str(tmp_path / name)])

    assert isinstance(done.exception, UsageProblem)


@pytest.mark.parametrize(("table", "name"), [("t.csv", "t.csv"), ("t.csv", "./t.csv"), ("t", "t/more.parquet")])
def test_given_the_table_that_is_scored_when_named_as_output_then_it_is_refused(
    tmp_path: Path, table: str, name: str
) -> None:
    place = tmp_path / table
    if place.suffix:
        place.write_text("age\n40\n")
    else:
        place.mkdir()
        pd.DataFrame({"age": [40]}).to_parquet(place / "part.parquet")

    with pytest.raises(UsageProblem, match="is, or belongs to, the table"):
        scored_file.check_apart(tmp_path / name, source.locate(tmp_path, table))
    scored_file.check_apart(tmp_path / "other.csv", source.locate(tmp_path, table))


@pytest.mark.slow
def test_given_a_batch_when_scored_to_a_file_twice_then_the_file_is_the_same(repo: Path) -> None:
    assert run(repo, "run").returncode == 0

    first = run(repo, "score", "--output", "one.csv")
    second = run(repo, "score", "--output", "two.csv", "--json")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.splitlines()[-1] == "one.csv holds them with their predictions"
    assert '"new": false' in second.stdout and '"output": "two.csv"' in second.stdout
    assert (repo / "one.csv").read_bytes() == (repo / "two.csv").read_bytes()
    assert len(pd.read_csv(repo / "one.csv")) == 400
