"""What a use case is, did last in an environment, and whether it was stopped there: columns of status."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory.home import Home
from aifactory.provision import retirement
from aifactory.status import scheduled_runs
from aifactory_runtime import files

_MINUTES = "%Y-%m-%d %H:%M"
_ERROR = 80
"""Characters of an error that a line of status has room for; the handoff holds all of it."""


@dataclass(frozen=True)
class Activity:
    """Texts for people, empty where there is nothing to say; times are UTC."""

    problem: str
    scoring: str
    last_run: str
    last_batch: str
    retired: str


def of(home: Home, use_case: str, environment: str) -> Activity:
    """Read from what was applied, the last handoff and the table `scored`."""
    manifest = (_json(home.applied(use_case, environment)) or {}).get("manifest", {})
    folder = home.root / environment / use_case
    stopped = retirement.of(home, use_case, environment)
    return Activity(
        problem=str(manifest.get("problem", "")),
        scoring=str(manifest.get("scoring", "")),
        last_run=_last_run(home, use_case, environment),
        last_batch=_last_batch(folder / "tables" / "scored" / "_delta_log"),
        retired=stopped.sentence() if stopped else "",
    )


def _last_run(home: Home, use_case: str, environment: str) -> str:
    """When the newest pipeline run began and what it came to."""
    folder = home.root / environment / use_case / "artifacts" / "runs"
    runs = sorted(path.parent for path in folder.glob("*/handoff.json"))
    said = _outcome(runs[-1]) if runs else ""
    scheduled = scheduled_runs.newest(home, use_case, environment, 1)
    if scheduled and scheduled[0].status == "FAILURE" and scheduled[0].started[:16] >= said[:16]:
        return f"{scheduled[0].started[:16]} failed: factory logs {use_case} --env {environment}"
    return said


def _outcome(run: Path) -> str:
    handoff = _json(run / "handoff.json") or {}
    began = datetime.strptime(run.name[:15], "%Y%m%d-%H%M%S") if run.name[:8].isdigit() else None
    gate = handoff.get("gate") or {}
    if handoff.get("version"):
        outcome = f"version {handoff['version']}"
    elif gate.get("nothing_gained"):
        outcome = "nothing gained, the champion stays"
    elif gate and not gate.get("passed", True):
        outcome = "refused by the gate"
    elif error := handoff.get("error"):
        outcome = f"failed: {textwrap.shorten(str(error), _ERROR, placeholder=' ...')}"
    else:
        outcome = "not finished"
    return f"{began:{_MINUTES}} {outcome}" if began else outcome


def _last_batch(log: Path) -> str:
    """When the table of scores was last written, and how many rows were added."""
    commits = sorted(log.glob("*.json"))
    if not commits:
        return ""
    for line in commits[-1].read_text(encoding="utf-8").splitlines():
        info = json.loads(line).get("commitInfo") if line.startswith('{"commitInfo"') else None
        if info:
            when = datetime.fromtimestamp(info["timestamp"] / 1000, UTC)
            rows = (info.get("operationMetrics") or {}).get("num_added_rows")
            return f"{when:{_MINUTES}} {rows} rows" if rows is not None else f"{when:{_MINUTES}}"
    return ""


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return files.read_json(path)
    except (OSError, ValueError):
        return None
