"""The step validate on a million rows, a cold process, against pandera alone on the same Delta table."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from measure import CHECKOUT, PYTHON, Cost, Row, cost, paired_costs, ratio_row
from pipeline import case_command, make_case

from tests.fixtures.usecase_repo import RUNTIME

ROWS, ROUNDS = 1_000_000, 5
BARE = CHECKOUT / "benchmarks" / "bare_checks.py"


def measure(work: Path) -> list[Row]:
    """One row: schema, duplicates, outliers, missing, infinite, classes against the schema only."""
    folder = work / "checks"
    repo = make_case(folder / "repo", ROWS)
    command = [str(PYTHON), "-m", "demo_case", "ingest", "--json"]
    made = subprocess.run(
        command, cwd=repo, env={"PYTHONPATH": f"src:{RUNTIME}"}, check=True, capture_output=True, text=True
    )
    run = json.loads(made.stdout)["id"]
    raw = repo / ".factory" / "embedded" / "tables" / "raw"

    def ours() -> Cost:
        return case_command(repo, "validate", "--run", run)

    def theirs() -> Cost:
        return cost([str(PYTHON), str(BARE), str(raw), str(repo / "src")], folder)

    one, other = paired_costs(ours, theirs, ROUNDS)
    return [ratio_row("data checks, 1M x 20 rows, cold process", "pandera alone", 1.5, one.seconds, other.seconds)]


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
