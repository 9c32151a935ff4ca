"""Runs that the orchestrator started, read from its own database: whose, when, how they ended, their logs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from aifactory.home import Home

_QUERY = """
SELECT runs.run_id, runs.status, runs.create_timestamp
FROM runs
JOIN run_tags AS case_tag
  ON case_tag.run_id = runs.run_id AND case_tag.key = 'aifactory/use_case' AND case_tag.value = ?
JOIN run_tags AS environment_tag
  ON environment_tag.run_id = runs.run_id AND environment_tag.key = 'aifactory/environment'
  AND environment_tag.value = ?
WHERE (runs.pipeline_name IS 'tick') = ?
ORDER BY runs.id DESC LIMIT ?
"""
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class ScheduledRun:
    """One run of a use case's released pipeline; `started` is UTC as `YYYY-MM-DD HH:MM:SS`."""

    identifier: str
    status: str
    started: str
    logs: tuple[Path, ...]


def newest(home: Home, use_case: str, environment: str, most: int, *, ticks: bool = False) -> list[ScheduledRun]:
    """The newest runs of a use case there, `most` at most, newest first; empty when the orchestrator started none.

    Ticks, of which there are many, or what a schedule of factory.yaml started.
    """
    folder = home.root / "shared" / "dagster"
    database = folder / "history" / "runs.db"
    if not database.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS)) as connection:
            rows = connection.execute(_QUERY, (use_case, environment, ticks, most)).fetchall()
    except sqlite3.Error:
        return []
    found = []
    for identifier, status, started in rows:
        logs = tuple(sorted((folder / "storage" / identifier / "compute_logs").glob("*.[eo][ru][rt]")))
        found.append(ScheduledRun(identifier, status, str(started)[:19], logs))
    return found
