"""Writes the pages of an environment into its folder; whoever reads them finds the old page or the new one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.pages import facts, overview, recorded, verdicts, watched
from aifactory_runtime.pages.parts import STYLE

FOLDER = "pages"
STATE = "state.json"
"""The first page in a sentence, for lists of many environments; `period_minutes` is how often it is to be written."""
_MAKERS = {
    "index": overview.overview,
    "service": watched.service,
    "data": watched.data,
    "model": recorded.model,
    "experiments": recorded.experiments,
    "cost": watched.cost,
    "audit": recorded.audit,
}


def folder(contract: EnvironmentContract) -> Path:
    """Where the pages of an environment lie."""
    return Path(contract.artifact_uri) / FOLDER


def render(project: Project, now: datetime) -> Path:
    """Write all pages as they are now; the first one. FactoryError when the disk does not take them."""
    found, place = facts.read(project, now), folder(project.environment.contract)
    made = {f"{name}.html": make(found) for name, make in _MAKERS.items()}
    made[STYLE] = Path(__file__).with_name(STYLE).read_text(encoding="utf-8")
    said = verdicts.overall(found)
    period = project.settings.monitoring.period_minutes
    state = {"level": said.level.value, "sentence": said.sentence, "as_of": now.isoformat(timespec="seconds")}
    made[STATE] = json.dumps(state | {"period_minutes": period})
    for name, content in made.items():
        files.write(place / name, content, mode=0o600)
    return place / "index.html"
