"""Finds the registered version that the same training made before, so that only what is new is trained."""

from __future__ import annotations

from dataclasses import replace

from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import registration
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction import parity, same_science
from aifactory_runtime.pipeline.reproduction.same_science import Likeness
from aifactory_runtime.registry.port import DATA_OF, DIRTY, IMPORTED, MODEL_SHA256, PREFIX, Version

_TABLES = (RAW, PREPARED, REFERENCE)


def find(context: Context, handoff: Handoff) -> Handoff | None:
    """The handoff of the newest version that equal science made of equal data; None when there is none.

    Neither commit nor kind of a run are part of it. What was trained from files that no commit held is never taken for
    the same, since nobody could retrain it, nor what was imported. The newest one that differs in nothing but numeric
    packages is asked whether it answers as it did.
    """
    root, package = context.project.root, context.project.manifest.package
    asked = False
    for version in reversed(context.registry.versions()):
        if version.tags.get(DIRTY) != "false" or IMPORTED in version.tags or not _same_data(version, handoff):
            continue
        if same_science.why_not(version.tags, context.made_from, root, package) is None:
            return _made_by(context, version, handoff)
        likeness = same_science.likeness(version.tags, context.made_from.science, root, package)
        if likeness is Likeness.NUMERIC and not asked:
            asked = True
            if parity.agrees(context, version, handoff):
                return _made_by(context, version, handoff)
    return None


def _same_data(version: Version, handoff: Handoff) -> bool:
    digests = (version.tags.get(DATA_OF + name, "").partition("@")[2] for name in _TABLES)
    return all(handoff.tables[name].sha256 == digest for name, digest in zip(_TABLES, digests, strict=True))


def _made_by(context: Context, version: Version, handoff: Handoff) -> Handoff:
    """The handoff of the run that made the version; of one that ran elsewhere what its version says.

    A run of here that was killed after it registered is completed: its version would else never be in the audit log.
    """
    try:
        before = handoffs.load(context.artifacts, version.tags.get(PREFIX + "pipeline_run", ""))
    except UsageProblem:
        before = replace(handoff, mlflow_run=version.run_id, model_sha256=version.tags.get(MODEL_SHA256))
        return replace(before, version=version.number)
    if before.version is None:
        before = registration.complete(context, version, before)
        handoffs.save(context.artifacts, before)
    return before
