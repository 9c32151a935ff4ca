"""Batch scoring of five million rows as a cold process, against a loop of pandas and scikit-learn over chunks."""

from __future__ import annotations

import shutil
from pathlib import Path

from measure import CHECKOUT, PYTHON, Cost, Row, cost, limit_row, paired_costs, ratio_row
from pipeline import case_command, make_case, write_table

ROWS, ROUNDS = 5_000_000, 2
TRAINED_ON = 20_000
MEMORY = 1_024
"""MiB that scoring may take whatever the number of rows: 330 of them are imported packages."""
BARE = CHECKOUT / "benchmarks" / "bare_scoring.py"


def measure(work: Path) -> list[Row]:
    """Time against the loop; peak memory, which must not grow with the rows."""
    folder = work / "scoring"
    repo = make_case(folder / "repo", TRAINED_ON)
    case_command(repo, "run")
    model = next((repo / ".factory").rglob("model.skops"))
    data, few = folder / "rows.csv", folder / "few.csv"
    write_table(data, ROWS)
    write_table(few, ROWS // 5)
    scored = repo / ".factory" / "embedded" / "tables" / "scored"

    def ours() -> Cost:
        shutil.rmtree(scored, ignore_errors=True)
        return case_command(repo, "score", "--input", str(data))

    def theirs() -> Cost:
        return cost([str(PYTHON), str(BARE), str(data), str(model), str(folder / "scored.parquet")], folder)

    one, other = paired_costs(ours, theirs, ROUNDS)
    less = case_command(repo, "score", "--input", str(few)).memory
    said = f"{less:.0f} MiB for a fifth of the rows; the loop {other.memory:.0f} MiB"
    return [
        ratio_row(
            "batch scoring, 5M x 20 rows", "a chunked pandas + scikit-learn loop", 0.9, one.seconds, other.seconds
        ),
        limit_row("peak memory of batch scoring, 5M x 20 rows", MEMORY, "MiB", one.memory, said),
    ]


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
