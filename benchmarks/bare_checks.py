"""What data checks are measured against: pandera alone. Usage: bare_checks.py TABLE SRC, a Delta table and src/."""

from __future__ import annotations

import importlib
import sys

from deltalake import DeltaTable


def main() -> None:
    """Read the table, validate it."""
    table, source = sys.argv[1:]
    sys.path.insert(0, source)
    schema = importlib.import_module("demo_case.schema").SCHEMA
    schema.validate(DeltaTable(table).to_pandas().drop(columns="_row"), lazy=True)


if __name__ == "__main__":
    main()
