"""`make check` with warm caches: lint, types and the fast tests."""

from __future__ import annotations

from pathlib import Path

from measure import CHECKOUT, Row, limit_row, seconds


def measure(_work: Path) -> list[Row]:
    """One row; the first run only warms caches."""
    command = ["make", "--no-print-directory", "check"]
    seconds(command, CHECKOUT)
    return [limit_row("`make check`, warm caches", 60, "s", seconds(command, CHECKOUT))]
