"""Moves closed files of the log of labels into the Delta table `labels`, each line exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aifactory_runtime.capture import moving
from aifactory_runtime.capture.moving import Log, Moved
from aifactory_runtime.data import tables
from aifactory_runtime.labels import line
from aifactory_runtime.labels.line import Line
from aifactory_runtime.storage.place import Place


def _columns(lines: Sequence[Line]) -> dict[str, list[Any]]:
    return {
        "label_id": [one.id for one in lines],
        "time": [one.time for one in lines],
        "sequence": [one.sequence for one in lines],
        "by": [one.by for one in lines],
        "prediction_id": [one.prediction_id for one in lines],
        "key": [one.key for one in lines],
        "label": [one.text for one in lines],
        "at": [one.at for one in lines],
        "kpi": [one.kpi for one in lines],
        "replaces": [one.replaces for one in lines],
        "older_keys": [one.older_keys for one in lines],
    }


def _types() -> dict[str, Any]:
    import pyarrow as pa

    return {"sequence": pa.int64(), "kpi": pa.float64()}


LABELS = Log(
    segments=line.segments,
    lock="labels-compaction.lock",
    refused="process {holder} compacts the labels already",
    line=Line,
    table=tables.LABELS,
    identity="label_id",
    columns=_columns,
    types=_types,
)


def compact(capture: Path, data: Place) -> Moved:
    """Move what is in the log's files, as `moving.closed_files` says; at once a FactoryError while another one does."""
    if not capture.is_dir():
        return Moved(0, 0)
    with moving.locked(capture, LABELS):
        return moving.closed_files(capture, data, LABELS)
