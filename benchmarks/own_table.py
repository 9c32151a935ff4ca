"""`factory new --data` with a Parquet table of a million rows: what is found in it, report and plots included."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import CHECKOUT, FACTORY, Cost, Row, cost, limit_row, median_cost
from pyarrow import parquet

ROWS, ROUNDS = 1_000_000, 3
NUMBERS = 13
SECONDS, MEMORY = 15, 1_024


def measure(work: Path) -> list[Row]:
    """Seconds and peak memory of the whole command, first commit included."""
    folder = work / "own_table"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table = folder / "customers.parquet"
    parquet.write_table(customers(ROWS), table)

    def ours(number: int) -> Cost:
        told = ["--data", str(table), "--target-column", "churned", "--owner", "ana", "--allow-dirty"]
        return cost([str(FACTORY), "new", f"own-{number}", "--into", str(folder), *told], folder)

    found = median_cost([ours(number) for number in range(ROUNDS)])
    size = f"{table.stat().st_size / 2**20:.0f} MiB of Parquet, 20 columns"
    what = "`factory new --data`, 1M rows"
    return [
        limit_row(what, SECONDS, "s", found.seconds, size),
        limit_row(f"{what}: peak memory", MEMORY, "MiB", found.memory),
    ]


def customers(rows: int) -> pa.Table:
    """Made-up columns of every ordinary kind: an id, numbers, texts of a closed set, a day, a yes or no, a target."""
    draw = np.random.default_rng(5)
    values = {f"amount_{number:02d}": draw.normal(size=rows).round(4) for number in range(NUMBERS)}
    values["amount_03"][::50] = np.nan
    churned = np.where(values["amount_00"] + draw.normal(size=rows) > 0, "yes", "no")
    return pa.table(
        {
            "customer_id": [f"C{number:08d}" for number in range(rows)],
            **values,
            "region": draw.choice(["north", "south", "east", "west"], size=rows),
            "product": draw.choice([f"product {number}" for number in range(40)], size=rows),
            "visits": draw.poisson(4, size=rows),
            "since": np.datetime64("2020-01-01") + draw.integers(0, 1500, size=rows).astype("timedelta64[D]"),
            "member": draw.random(rows) < 0.3,
            "churned": churned,
        }
    )


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
