"""What follows once a version is in the registry; a run that was killed in between is completed by the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aifactory_runtime.audit import log
from aifactory_runtime.events import kinds
from aifactory_runtime.pipeline import events
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.port import EXPECTED, Version

REGISTER = "register"
"""What the audit log calls it."""


def complete(context: Context, version: Version, handoff: Handoff) -> Handoff:
    """The handoff with its version, whose tracking run has ended and which has its one line in the audit log."""
    if handoff.mlflow_run is not None:
        context.registry.finish_run(handoff.mlflow_run)
    place = Path(context.contract.audit_uri)
    if not any(
        line["action"] == REGISTER and line["facts"].get("version") == version.number for line in log.read(place)
    ):
        said = {key: value for key, value in version.tags.items() if key != EXPECTED}  # too long for a line
        facts = {"model": context.contract.model_name, "version": version.number, **said}
        log.append(place, REGISTER, context.contract.identity, facts)
    for kind in (kinds.GATE_REFUSED, kinds.EXPERIMENT_TASK):
        events.over(context, handoff, kind)
    return replace(handoff, version=version.number)
