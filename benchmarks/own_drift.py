"""Our drift report as a process: threshold from a table, drift of another. Usage: own_drift.py REFERENCE CURRENT."""

from __future__ import annotations

import sys

from pyarrow import parquet

from aifactory_runtime.monitoring import baseline, drift_rules

WINDOW = 1_000


def main() -> None:
    """The distance of each column with its threshold, PSI and Wasserstein."""
    reference, current = (dict(_columns(path)) for path in sys.argv[1:])
    found = drift_rules.drifts(baseline.of_traffic(reference, WINDOW), current, ())
    for one in found:
        print(one.monitor, one.subject, one.value, one.threshold, one.state)


def _columns(path: str):  # type: ignore[no-untyped-def]  # pyarrow ships no types
    table = parquet.read_table(path)
    return zip(table.column_names, table.columns, strict=True)


if __name__ == "__main__":
    main()
