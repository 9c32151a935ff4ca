"""A table of made-up rows in several partitions, as `prepare` writes it, and what tests train on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.data import parts, split, table_writing
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.training import chunks
from aifactory_runtime.pipeline.training.parted import How, Parted
from aifactory_runtime.pipeline.training.training_data import Rows, TrainingData
from aifactory_runtime.registry.model_folder import Column, InputSchema

FEATURES = ("a", "b", "c", "d")
ROWS = {split.TRAIN: 5_000, split.VALIDATION: 1_500, split.TEST: 2_000}
_PARTITION = 1_024
CLASSES = {"two": ("no", "yes"), "three": ("high", "low", "middle"), "number": ()}


def features(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they are; workers import this."""
    return {name: columns[name] for name in FEATURES}


def make_table(folder: Path, kind: str, patch: pytest.MonkeyPatch) -> int:
    """The version of a prepared table of partitions of 1,024 rows; in `c` every ninth value is missing."""
    patch.setattr(parts, "CHUNK_BYTES", 1)
    draw = np.random.default_rng(11)
    frames: list[pd.DataFrame] = []
    starts, start = {}, 0
    for name, rows in ROWS.items():
        values = draw.normal(size=(rows, len(FEATURES))).round(3)
        signal = values[:, 0] + values[:, 1] * values[:, 3] + draw.normal(size=rows) / 3
        values[::9, 2] = np.nan
        made: dict[str, Any] = {one: values[:, place] for place, one in enumerate(FEATURES)}
        made["y"] = _labels(kind, signal)
        made[split.SPLIT] = [name] * rows
        frame = pd.DataFrame(made)
        frames += [frame.iloc[first : first + _PARTITION] for first in range(0, rows, _PARTITION)]
        starts[name], start = start, start + rows
    return table_writing.write(folder, PREPARED, frames, "digest", by=split.SPLIT, starts=starts).version


def _labels(kind: str, signal: Any) -> Any:
    if kind == "number":
        return signal
    if kind == "two":
        return np.where(signal > 0.2, "yes", "no")
    return np.select([signal < -0.5, signal < 0.5], ["low", "middle"], "high")


def schema(kind: str) -> InputSchema:
    columns = tuple(Column(name, "number", nullable=True) for name in FEATURES)
    return InputSchema("y", columns, FEATURES, CLASSES[kind])


def parted(folder: Path, version: int, name: str, kind: str, executor: Executor) -> Parted:
    found = chunks.of(folder, version, name)
    return Parted(tuple(found), How(schema(kind), features), executor)


def whole(folder: Path, version: int, name: str, kind: str) -> Rows:
    """The rows of a split as one process loads them."""
    return Rows(*arrays.load(folder, version, name, schema(kind), features))


def data(folder: Path, version: int, kind: str, executor: Executor | None) -> TrainingData:
    """For one process without an executor, else by partition."""
    train, validation = (whole(folder, version, name, kind) for name in (split.TRAIN, split.VALIDATION))
    made = TrainingData(schema(kind), train, validation)
    if executor is None:
        return made
    seen = parted(folder, version, split.VALIDATION, kind, executor)
    return replace(made, parted=parted(folder, version, split.TRAIN, kind, executor), parted_validation=seen)
