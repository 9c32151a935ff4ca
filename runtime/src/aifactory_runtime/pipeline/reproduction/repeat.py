"""Finds the run that made the same before, so that running an unchanged pipeline again makes nothing new."""

from __future__ import annotations

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff


def find(context: Context, handoff: Handoff) -> Handoff | None:
    """The newest run of equal commit, lock, kind and data whose version is still registered; None when there is none.

    Settings under conf/ are part of the commit. Code that no commit holds is never taken for the same.
    """
    if handoff.dirty:
        return None
    for run in sorted((context.artifacts / "runs").iterdir(), reverse=True):
        try:
            before = handoffs.load(context.artifacts, run.name)
        except UsageProblem:
            continue
        if before.version is not None and _made_from(before) == _made_from(handoff):
            return before if _registered(context, before) else None
    return None


def _made_from(handoff: Handoff) -> tuple[object, ...]:
    data = {name: table.sha256 for name, table in handoff.tables.items()}
    return (
        handoff.kind,
        handoff.commit,
        handoff.dirty,
        handoff.code_sha256,
        handoff.lock_sha256,
        handoff.imported,
        data,
    )


def _registered(context: Context, handoff: Handoff) -> bool:
    try:
        return context.registry.version(handoff.version or 0).model_sha256 == handoff.model_sha256
    except FactoryError:
        return False
