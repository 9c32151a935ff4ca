"""`make faults`: run the fault figures and keep them in docs/reliability.md and tests/faults/results.json."""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults import (
    bad_load,
    concurrent_runs,
    killed_partitions,
    killed_updates,
    killed_ups,
    killed_workers,
    moved_models,
    pipeline_kills,
    taken_back,
)
from tests.faults.trials import Figure, Say

Measure = Callable[[int, int, Path, Say], Figure]
FIGURES: dict[str, tuple[Measure, int]] = {
    "1": (moved_models.swaps, 10_000),
    "2": (moved_models.restarts, 10_000),
    "3": (killed_workers.outages, 10),
    "4": (killed_workers.records, 20),
    "5": (taken_back.measure, 5),
    "6": (bad_load.spoilt, 1_000),
    "7": (bad_load.fast, 30),
    "8": (pipeline_kills.measure, 50),
    "9": (concurrent_runs.measure, 100),
    "10": (killed_ups.measure, 20),
    "11": (killed_updates.measure, 50),
    "12": (killed_partitions.measure, 50),
}
"""Number of the figure to what measures it and how many trials it asks for: requests, kills, cases or seconds."""
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- begin: make faults -->", "<!-- end: make faults -->"


def main() -> int:
    """Measure what was named (everything by default); 1 when a figure is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], help="only these")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--trials", type=int, help="fewer than the figure asks for; the page says how many")
    given = parser.parse_args()
    reached = True
    for number in given.figures or list(FIGURES):
        measure, asked = FIGURES[number]
        folder = Path(tempfile.mkdtemp(prefix="faults-"))
        try:
            found = measure(given.trials or asked, given.seed, folder, _say)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _say(f"figure {number}: {found.held} of {len(found.trials)} held, {found.times}")
        reached = reached and found.reached
        _keep(found)
    return 0 if reached else 1


def _keep(found: Figure) -> None:
    kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept[str(found.number)] = record(found)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")


def record(found: Figure) -> dict[str, Any]:
    """A figure as it is kept: the day, the result, every trial."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {
        "date": today,
        "held": found.held,
        "times": found.times,
        "seen": found.seen,
        "reached": found.reached,
        **asdict(found),
    }


def with_table(page: str, kept: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with the table between its marks written anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    lines = ["| # | what | asked | held | seen | seed | on |", "|---|---|---|---|---|---|---|"]
    for number in (number for number in FIGURES if number in kept):
        row = kept[number]
        held = f"{row['held']} of {len(row['trials'])}" + ("" if row["reached"] else " **missed**")
        cells = (number, row["title"], row["asked"], held, row.get("seen", row["times"]), row["seed"], row["date"])
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
