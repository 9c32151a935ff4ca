"""Moves closed files of the prediction log into the Delta table `captured`, each line exactly once."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime import files
from aifactory_runtime.capture import log_file, moving
from aifactory_runtime.capture.moving import DAY, Log, Moved
from aifactory_runtime.data import table_writing, tables
from aifactory_runtime.storage.place import Place

_QUIET_SECONDS = 86_400
"""Nothing is taken from an earlier release's file that was written to since: its writers would wait."""


class _Line(msgspec.Struct):
    """A line of the log; what lines of earlier releases lack is empty."""

    id: str
    time: str
    sequence: int
    model_version: str
    model_sha256: str
    role: str
    inputs: msgspec.Raw
    output: msgspec.Raw
    commit: str = ""
    redacted: msgspec.Raw = msgspec.Raw()
    trial: msgspec.Raw = msgspec.Raw()


def _columns(lines: Sequence[_Line]) -> dict[str, list[Any]]:
    return {
        "prediction_id": [line.id for line in lines],
        "time": [line.time for line in lines],
        "sequence": [line.sequence for line in lines],
        "model_version": [line.model_version for line in lines],
        "model_sha256": [line.model_sha256 for line in lines],
        "commit": [line.commit for line in lines],
        "role": [line.role for line in lines],
        "inputs": [bytes(line.inputs).decode() for line in lines],
        "output": [bytes(line.output).decode() for line in lines],
        "redacted": [bytes(line.redacted).decode() for line in lines],
        "trial": [bytes(line.trial).decode() for line in lines],
    }


def _types() -> dict[str, Any]:
    import pyarrow as pa

    return {"sequence": pa.int64()}


PREDICTIONS = Log(
    segments=log_file.segments,
    lock="compaction.lock",
    refused="process {holder} compacts the predictions already",
    line=_Line,
    table=tables.CAPTURED,
    identity="prediction_id",
    columns=_columns,
    types=_types,
    older=log_file.OLDER,
)


def compact(capture: Path, data: Place) -> Moved:
    """Close the file that is written to, and move all closed ones; killed anywhere, the next one goes on.

    Columns of the table: prediction_id, time (text, ISO 8601 in UTC), day (its first ten letters), sequence,
    model_version, model_sha256, commit, role, and as JSON inputs, output, redacted (empty where nothing is), and trial,
    the live test that the request was part of (empty for none).
    FactoryError when a line is damaged, when the disk does not take it, and at once while another compaction runs.
    """
    if not capture.is_dir():
        return Moved(0, 0)
    with moving.locked(capture, PREDICTIONS):
        moved = moving.closed_files(capture, data, PREDICTIONS)
        older = capture / log_file.OLDER
        if _is_quiet(older):
            return Moved(moved.rows + _move_older(older, data), moved.files + 1)
    return moved


def waiting(capture: Path) -> int:
    """How many predictions a compaction would move now."""
    rows = moving.waiting(capture, PREDICTIONS)
    return rows + (_count_lines(older) if _is_quiet(older := capture / log_file.OLDER) else 0)


def _is_quiet(older: Path) -> bool:
    """Whether the file of an earlier release is there, and nobody has written to it for long."""
    return older.exists() and older.stat().st_mtime < time.time() - _QUIET_SECONDS


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _move_older(path: Path, data: Place) -> int:
    """The lines of an earlier release's file, which is emptied and stays: such a service may have it open.

    Its writers lock the file itself, and wait meanwhile. Its sequence begins anew in an empty file, so the stream is
    named after its first line, and counted in bytes.
    """
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = files.cut_torn_line(file.fileno())
        if not size:
            return 0
        stream = f"{tables.CAPTURED} {next(moving.lines(path, PREDICTIONS)).id}"
        begins = tables.position(data, tables.CAPTURED, stream)
        made = partial(moving.chunks, path, PREDICTIONS, begins)
        added = table_writing.append_stream(data, tables.CAPTURED, (stream, size), by=DAY, chunks=made)
        os.ftruncate(file.fileno(), 0)
    return added.rows
