"""The training pipeline as a cold process, 10,000 and a million rows of 20 columns, against one script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
from measure import CHECKOUT, PYTHON, Cost, Row, cost, memory_row, paired, paired_costs, ratio_row
from pyarrow import csv

sys.path.insert(0, str(CHECKOUT))

from tests.fixtures.usecase_repo import RUNTIME, commit, make_repo

FEW, FEW_ROUNDS = 10_000, 5
MANY, MANY_ROUNDS = 1_000_000, 3
COLUMNS = 19
_AT_A_TIME = 100_000
BARE = CHECKOUT / "benchmarks" / "bare_pipeline.py"

_SCHEMA = '''"""What a row of the raw table looks like."""

import pandera.pandas as pa

TARGET = "y"

SCHEMA = pa.DataFrameSchema(
    {
        **{f"x{number:02d}": pa.Column(float, pa.Check.in_range(-100, 100), nullable=True) for number in range(19)},
        TARGET: pa.Column(int, pa.Check.isin([0, 1])),
    },
    strict=True,
)
'''
_FEATURES = '''"""What the model sees of a row."""


def features(columns):
    """Columns in, columns out; each row on its own."""
    return dict(columns)
'''


def measure(work: Path) -> list[Row]:
    """Time of few rows; time and peak memory of many."""
    script = "one script, same libraries, nothing else"
    ours, theirs = _pair(work / "pipeline", FEW)
    times = paired(lambda: ours().seconds, lambda: theirs().seconds, FEW_ROUNDS)
    rows = [ratio_row("training pipeline, cold process, 10k x 20 rows", script, 1.2, *times)]
    costs = paired_costs(*_pair(work / "pipeline", MANY), MANY_ROUNDS)
    what = "training pipeline, cold process, 1M x 20 rows"
    return [
        *rows,
        ratio_row(f"{what}: time", script, 1.15, costs[0].seconds, costs[1].seconds),
        memory_row(f"{what}: peak memory", script, 1.15, *costs),
    ]


def make_case(folder: Path, rows: int) -> Path:
    """A repo at `folder` whose table has so many rows; everything compiled and committed."""
    shutil.rmtree(folder, ignore_errors=True)
    repo = make_repo(folder)
    write_table(repo / "data" / "customers.csv", rows)
    package = repo / "src" / "demo_case"
    (package / "schema.py").write_text(_SCHEMA, encoding="utf-8")
    (package / "features.py").write_text(_FEATURES, encoding="utf-8")
    (repo / ".gitignore").write_text("data/\n.factory/\n", encoding="utf-8")
    commit(repo, "A made-up table")
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", str(RUNTIME), str(package)], check=True)
    return repo


def case_command(repo: Path, *arguments: str) -> Cost:
    """`python -m demo_case ...` in a repo that `make_case` made."""
    return cost([str(PYTHON), "-m", "demo_case", *arguments], repo, {"PYTHONPATH": f"src:{RUNTIME}"})


def _pair(folder: Path, rows: int) -> tuple[Callable[[], Cost], Callable[[], Cost]]:
    """Both begin with no database; ours makes MLflow's without forcing each page to disk."""
    repo = make_case(folder / "repo", rows)
    data = repo / "data" / "customers.csv"

    def ours() -> Cost:
        shutil.rmtree(repo / ".factory", ignore_errors=True)
        return case_command(repo, "run")

    def theirs() -> Cost:
        shutil.rmtree(folder / "bare", ignore_errors=True)
        return cost([str(PYTHON), str(BARE), str(data), str(folder / "bare")], folder)

    return ours, theirs


def write_table(path: Path, rows: int) -> None:
    """Made-up numbers, the label decided by the first five columns and chance; some values missing."""
    draw = np.random.default_rng(3)
    names = [*(f"x{number:02d}" for number in range(COLUMNS)), "y"]
    with path.open("wb") as stream:
        for start in range(0, rows, _AT_A_TIME):
            values = draw.normal(size=(min(_AT_A_TIME, rows - start), COLUMNS)).round(6)
            labels = (values[:, :5].sum(axis=1) + draw.normal(size=len(values)) > 0).astype(int)
            values[::97, 5] = np.nan
            columns = [pyarrow.array(values[:, place], from_pandas=True) for place in range(COLUMNS)]
            table = pyarrow.table([*columns, pyarrow.array(labels)], names=names)
            csv.write_csv(table, stream, csv.WriteOptions(include_header=start == 0))


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
