"""Leaves events of a run where monitors and owners look: one JSON file each, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff


def leave(context: Context, handoff: Handoff, name: str, **facts: Any) -> None:
    """Write `<events_uri>/<run>.<name>.json`."""
    event = {"event": name, "run": handoff.id, "kind": handoff.kind, **facts}
    files.write(Path(context.contract.events_uri) / f"{handoff.id}.{name}.json", json.dumps(event, indent=2))
