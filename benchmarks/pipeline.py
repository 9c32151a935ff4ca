"""The training pipeline as a cold process, 10,000 x 20 rows, against one script with the same libraries."""

from __future__ import annotations

import csv
import itertools
import random
import shutil
import subprocess
import sys
from pathlib import Path

from measure import CHECKOUT, PYTHON, Row, paired, ratio_row, seconds

sys.path.insert(0, str(CHECKOUT))

from tests.fixtures.usecase_repo import RUNTIME, commit, make_repo

ROUNDS = 5
ROWS = 10_000
COLUMNS = 19
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
    """One row. Each process begins with no database; ours makes MLflow's without forcing each page to disk."""
    folder = work / "pipeline"
    shutil.rmtree(folder, ignore_errors=True)
    repo = make_repo(folder / "repo")
    data = repo / "data" / "customers.csv"
    write_table(data)
    package = repo / "src" / "demo_case"
    (package / "schema.py").write_text(_SCHEMA, encoding="utf-8")
    (package / "features.py").write_text(_FEATURES, encoding="utf-8")
    commit(repo, "A table of 10,000 rows")
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", str(RUNTIME), str(package)], check=True)
    numbers = itertools.count()

    def ours() -> float:
        shutil.rmtree(repo / ".factory", ignore_errors=True)
        variables = {"PYTHONPATH": f"src:{RUNTIME}"}
        return seconds([str(PYTHON), "-m", "demo_case", "run"], repo, variables)

    def theirs() -> float:
        return seconds([str(PYTHON), str(BARE), str(data), str(folder / f"bare-{next(numbers)}")], folder)

    ours_median, theirs_median = paired(ours, theirs, ROUNDS)
    return [
        ratio_row(
            "training pipeline, cold process, 10k x 20 rows",
            "one script, same libraries, nothing else",
            1.2,
            ours_median,
            theirs_median,
        )
    ]


def write_table(path: Path) -> None:
    """Made-up numbers, the label decided by the first five columns and chance; some values missing."""
    draw = random.Random(3)  # noqa: S311 - made-up data, not a secret
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(f"x{number:02d}" for number in range(COLUMNS)), "y"])
        for row in range(ROWS):
            values: list[float | str] = [round(draw.gauss(0, 1), 6) for _ in range(COLUMNS)]
            label = int(sum(float(value) for value in values[:5]) + draw.gauss(0, 1) > 0)
            if row % 97 == 0:
                values[5] = ""
            writer.writerow([*values, label])


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
