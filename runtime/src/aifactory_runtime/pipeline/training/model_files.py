"""Writes the model of a run with all that is kept beside it: a run and its reproduction write the same files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from aifactory_runtime.pipeline import profiling
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import background_rows, training_data
from aifactory_runtime.pipeline.training.training_data import TrainingData
from aifactory_runtime.registry import model_folder


def write(context: Context, handoff: Handoff, data: TrainingData, estimator: Any, place: Path) -> str:
    """Write the model folder at `place`: what was fitted, what belongs to it, what its training rows were like.

    It is written beside its place, then moved: a killed writer leaves no half model. Its digest.
    """
    part = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    sha256 = model_folder.write(
        part,
        estimator,
        data.schema,
        training_data.belongs(context, handoff, data.schema),
        context.settings.train.trusted_types,
        profile=profiling.of(context, handoff, data, estimator),
        background=background_rows.draw(context, handoff, data.schema),
    )
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return sha256
