"""What the gate looks at beside the metric, on the test rows of one run: each part as evidence of its report."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.gate import calibration, fairness, principles
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.evidence import Evidence, rounded
from aifactory_runtime.pipeline import cutting, together
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.measured import Measured
from aifactory_runtime.pipeline.training import training_data
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import InputSchema

_SETTING = "conf: gate.fairness.columns"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Candidate:
    """The model of a run on its test rows."""

    place: Path
    """Its folder."""
    estimator: Any
    schema: InputSchema
    labels: Array
    said: Answers
    learned: Array
    """Labels of the training rows."""
    reads: Collection[str]
    """Raw columns that it reads."""


def check(context: Context, handoff: Handoff) -> None:
    """UsageProblem when settings ask for what cannot be looked at: said before the training."""
    settings = context.settings.gate.fairness
    fairness.chosen(settings.metric, context.project.manifest.problem)
    cutting.named(context, handoff, settings.columns, _SETTING)


def of(
    context: Context, handoff: Handoff, candidate: Candidate, slices: Mapping[str, Any], chance: float
) -> list[Evidence]:
    """Every part, in the order in which people read them, and the principles that they and `slices` are checks of.

    `chance` is how often chance does as well.
    """
    limits, seed = context.settings.gate.limits, context.settings.train.seed
    model = Measured(context, handoff, candidate.place, candidate.estimator, candidate.schema)
    parts = [
        _fairness(context, handoff, candidate),
        calibration.of(candidate.labels, candidate.said, candidate.learned, limits.calibration_error, seed=seed),
        model.explanations(),
        model.stress(candidate.learned),
        model.footprint(),
    ]
    known = {principles.SLICES: slices, **{part.name: part.report for part in parts}}
    parts = [replace(part, report=rounded(part.report)) for part in parts]
    return [*parts, principles.of(known, _facts(context, handoff, candidate, chance))]


def _facts(context: Context, handoff: Handoff, candidate: Candidate, chance: float) -> principles.Facts:
    kept = model_folder.read_background(candidate.place)
    manifest = context.project.manifest
    return principles.Facts(
        chance=chance,
        owner=str(manifest.owner),
        commit=handoff.commit,
        dirty=handoff.dirty,
        classification=manifest.data_classification,
        background="none" if kept is None else "made up" if kept.made_up else "real",
        trusted_types=context.settings.train.trusted_types,
    )


def _fairness(context: Context, handoff: Handoff, candidate: Candidate) -> Evidence:
    """Columns are read for this alone: an IGNORED one was never given to the model."""
    settings = context.settings.gate.fairness
    table = cutting.Table(context, handoff, reference=False)
    placed = cutting.placed(table, cutting.named(context, handoff, settings.columns, _SETTING))
    groups, times = belong(context, handoff) if placed else (None, None)
    judged = fairness.Judged(candidate.labels, candidate.said, groups, times)
    metric = fairness.chosen(settings.metric, context.project.manifest.problem)
    read = sorted(candidate.reads)
    return fairness.of(placed, judged, metric, settings.limit, read=read, seed=context.settings.train.seed)


def belong(context: Context, handoff: Handoff) -> tuple[Array | None, Array | None]:
    """Groups or times of the test rows, where they do not count one by one."""
    found = next(iter(together.of(context, handoff)), None)
    if found is None:
        return None, None
    values = found.values(training_data.test_column(context, handoff, found.column))
    return (None, values) if found.by_time else (values, None)
