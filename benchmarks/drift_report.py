"""A drift report of 100,000 rows and 20 columns against 100,000 others: a cold process against evidently's.

evidently is no dependency: it gets an environment of its own in the scratch folder, with a pandas that it works with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import CHECKOUT, PYTHON, Cost, Row, cost, memory_row, paired_costs, ratio_row, seconds
from pyarrow import parquet

ROWS, ROUNDS = 100_000, 3
OURS, THEIRS = CHECKOUT / "benchmarks" / "own_drift.py", CHECKOUT / "benchmarks" / "bare_drift.py"
_UV = CHECKOUT / ".uv" / "bin" / "uv"
_PINS = ("evidently==0.7.23", "pandas==2.3.3", "pyarrow")


def measure(work: Path) -> list[Row]:
    """Two rows: time and peak memory."""
    folder = work / "drift"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(("reference", "current")):
        parquet.write_table(_table(seed), folder / f"{name}.parquet")
    python = _environment(folder / "evidently")

    def ours() -> Cost:
        variables = {"PYTHONPATH": str(CHECKOUT / "runtime" / "src")}
        return cost([str(PYTHON), str(OURS), "reference.parquet", "current.parquet"], folder, variables)

    def theirs() -> Cost:
        return cost([str(python), str(THEIRS), "reference.parquet", "current.parquet"], folder)

    one, other = paired_costs(ours, theirs, ROUNDS)
    what, against = "drift report, 100k x 20, cold process", "evidently's DataDriftPreset"
    return [
        ratio_row(what, against, 0.1, one.seconds, other.seconds),
        memory_row(f"{what}: peak memory", against, 1.0, one, other),
    ]


def _environment(folder: Path) -> Path:
    """An interpreter that has evidently; made once."""
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        seconds([str(_UV), "venv", "--quiet", "--clear", "--python", str(PYTHON), str(folder)], folder.parent)
        seconds([str(_UV), "pip", "install", "--quiet", "--python", str(python), *_PINS], folder.parent)
        (folder / "done").touch()
    return python


def _table(seed: int) -> pa.Table:
    """Fourteen columns of numbers, some with ties and missing values, and six of categories."""
    draw = np.random.default_rng(seed)
    made = {f"number{place}": draw.normal(place, 1 + place, ROWS) for place in range(8)}
    made |= {f"count{place}": draw.poisson(1 + place, ROWS).astype(float) for place in range(4)}
    made["zeros"] = np.where(draw.random(ROWS) < 0.98, 0.0, draw.exponential(size=ROWS))
    made["missing"] = np.where(draw.random(ROWS) < 0.5, np.nan, draw.normal(size=ROWS))
    columns = {name: pa.array(values, from_pandas=True) for name, values in made.items()}
    for size in (2, 3, 5, 10, 30, 100):
        columns[f"category{size}"] = pa.array(draw.integers(0, size, ROWS).astype(str))
    return pa.table(columns)


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
