"""Writes the model of a run with all that is kept beside it: a run and its reproduction write the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aifactory_runtime.pipeline import profiling
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import background_rows, training_data
from aifactory_runtime.pipeline.training.training_data import TrainingData


def write(context: Context, handoff: Handoff, data: TrainingData, estimator: Any, place: Path) -> str:
    """Write the model folder at `place`: what was fitted, what belongs to it, what its training rows were like."""
    return training_data.write(
        place,
        estimator,
        data.schema,
        training_data.belongs(context, handoff, data.schema),
        context.settings.train.trusted_types,
        profile=profiling.of(context, handoff, data, estimator),
        background=background_rows.draw(context, handoff, data.schema),
    )
