"""What the training rows of a model look like, to be stored with it: monitors hold its traffic against that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.monitoring import columns, profile
from aifactory_runtime.monitoring.columns import PREDICTION
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training.training_data import TrainingData
from aifactory_runtime.registry import answers

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 100_000
"""Of a larger table every second, third ... row is counted."""


def of(context: Context, handoff: Handoff, data: TrainingData, estimator: Any) -> dict[str, Any]:
    """The profile of the training rows as JSON has it; the answers are those to the validation rows.

    A booster that was trained elsewhere answers only once it is loaded again: then there are none.
    """
    parts = [columns.of_frame(frame, data.schema) for frame in _sample(context, handoff, data)]
    whole = {name: pa.chunked_array([chunk for part in parts for chunk in part[name].chunks]) for name in parts[0]}
    if hasattr(estimator, "get_params"):
        labels, shares = answers.of(estimator, data.validation.values, data.schema.classes)
        whole[PREDICTION] = columns.of_answers(labels, shares, data.schema.classes)
    return profile.to_values(profile.of(whole))


def _sample(context: Context, handoff: Handoff, data: TrainingData) -> Iterator[pd.DataFrame]:
    """The raw columns of the training rows, spread evenly over the table."""
    version = handoff.table(PREPARED, "prepare").version
    where = (split.SPLIT, split.TRAIN)
    step = -(-data.rows // MOST_ROWS)
    names, seen = [column.name for column in data.schema.columns], 0
    for frame in tables.batches(context.tables, PREPARED, version, columns=names, where=where):
        yield frame.iloc[-seen % step :: step]
        seen += len(frame)
