"""`make bench`: run every benchmark, print the table, keep it as docs/benchmarks.md and benchmarks/results.json."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import checks
import demo_runs
import drift_report
import fast_tests
import following
import live_test
import live_verdict
import more_usecases
import own_table
import pipeline
import provisioning
import rolling_out
import scaffolding
import scoring
import serving
import ticks
import tracing
from measure import CHECKOUT, Row, machine, table

BENCHMARKS: dict[str, Callable[[Path], list[Row]]] = {
    "scaffolding": scaffolding.measure,
    "following": following.measure,
    "rolling out": rolling_out.measure,
    "own table": own_table.measure,
    "pipeline": pipeline.measure,
    "scoring": scoring.measure,
    "serving": serving.measure,
    "live test": live_test.measure,
    "live verdict": live_verdict.measure,
    "checks": checks.measure,
    "drift report": drift_report.measure,
    "provisioning": provisioning.measure,
    "demo": demo_runs.measure,
    "more use cases": more_usecases.measure,
    "ticks": ticks.measure,
    "tracing": tracing.measure,
    "check": fast_tests.measure,
}
RESULTS = CHECKOUT / "benchmarks" / "results.json"
PAGE = CHECKOUT / "docs" / "benchmarks.md"


def main() -> None:
    """Measure what was named (everything by default) and rewrite the page from all results kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="only these")
    parser.add_argument("--work", type=Path, default=CHECKOUT / ".bench", help="scratch folder")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in arguments.names or list(BENCHMARKS):
        print(f"-- {name}", flush=True)
        rows = BENCHMARKS[name](arguments.work)
        for row in rows:
            print(
                f"{'ok  ' if row.reached else 'MISS'} {row.what}: {row.seen} (asked {row.asked}) {row.detail}",
                flush=True,
            )
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        kept[name] = {"date": today, "machine": machine(), "rows": [asdict(row) for row in rows]}
        RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept), encoding="utf-8")


def page(kept: dict[str, dict[str, object]]) -> str:
    """The table as Markdown."""
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Comparators run in the same session, taking turns with ours; medians of processes.",
        "",
    ]
    return "\n".join([*head, table(kept, BENCHMARKS)]) + "\n"


if __name__ == "__main__":
    main()
