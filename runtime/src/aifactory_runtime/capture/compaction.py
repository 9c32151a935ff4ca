"""Moves closed files of the prediction log into the Delta table `captured`, each line exactly once."""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime import files
from aifactory_runtime.capture import log_file
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.segments import Segments

if TYPE_CHECKING:
    import pyarrow as pa

DAY = "day"
STREAM = "captured"
"""Name of Delta's transaction; its version is the last sequence that the table has."""
_LOCK = "compaction.lock"
_QUIET_SECONDS = 86_400
"""Nothing is taken from an earlier release's file that was written to since: its writers would wait."""
_ROWS = 10_000
"""Rows of a chunk: some 10 MB of lines."""


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


@dataclass(frozen=True)
class Compacted:
    """What one compaction moved."""

    rows: int
    files: int


def compact(capture: Path, data: Path) -> Compacted:
    """Close the file that is written to, and move all closed ones; killed anywhere, the next one goes on.

    Columns of the table: prediction_id, time (text, ISO 8601 in UTC), day (its first ten letters), sequence,
    model_version, model_sha256, commit, role, and as JSON inputs, output and redacted (empty where nothing is).
    FactoryError when a line is damaged, when the disk does not take it, and at once while another compaction runs.
    """
    if not capture.is_dir():
        return Compacted(0, 0)
    with held(capture):
        log = log_file.segments(capture)
        with _named_damage(log):
            log.close_newest()
        rows = [_move(path, log.first(path), _last(log, path), data) for path in log.closed()]
        older = capture / log_file.OLDER
        if _is_quiet(older):
            rows.append(_move_older(older, data))
        return Compacted(sum(rows), len(rows))


def held(capture: Path) -> AbstractContextManager[None]:
    """Who moves or erases predictions holds this; FactoryError at once while somebody else does."""
    return files.lock(capture / _LOCK, "process {holder} compacts the predictions already")


def waiting(capture: Path) -> int:
    """How many predictions a compaction would move now."""
    log = log_file.segments(capture)
    rows = sum(_last(log, path) - log.first(path) + 1 for path in log.all())
    return rows + (_count_lines(older) if _is_quiet(older := capture / log_file.OLDER) else 0)


def _last(log: Segments, path: Path) -> int:
    with _named_damage(log, path):
        return log.last(path)


@contextmanager
def _named_damage(log: Segments, path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise FactoryError(log_file.damaged(path or log.newest())) from None


def _move(path: Path, first: int, last: int, data: Path) -> int:
    """One closed file, with lines of the sequences `first` to `last`, into the table, then away with it.

    The table may be at a later sequence: who moved the file was killed before it went, or the sequences began anew, as
    the log's files were lost or restored. Then each line is looked up by its id, and those that are missing are added.
    """
    if first > tables.position(data, tables.CAPTURED, STREAM):
        stream, chunks = STREAM, partial(_chunks, path)
    else:
        stream, chunks = f"{STREAM} {_last_id(path)}", partial(_missing_chunks, path, _there(path, data))
    added = tables.append_stream(data, tables.CAPTURED, (stream, last), by=DAY, chunks=chunks)
    path.unlink()
    return added.rows


def _last_id(path: Path) -> str:
    *_, last = _lines(path)
    return last.id


def _there(path: Path, data: Path) -> frozenset[str]:
    """The ids of a file's lines that the table has."""
    days: dict[str, set[str]] = {}
    for line in _lines(path):
        days.setdefault(line.time[:10], set()).add(line.id)
    found: set[str] = set()
    for day, ids in days.items():
        for frame in tables.batches(data, tables.CAPTURED, columns=["prediction_id"], where=(DAY, day)):
            found |= ids.intersection(frame["prediction_id"])
    return frozenset(found)


def _missing_chunks(path: Path, there: frozenset[str]) -> Iterator[pa.RecordBatch]:
    """As `_chunks`, without the lines that are `there`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for chunk in _chunks(path):
        missing = pc.invert(pc.is_in(chunk.column("prediction_id"), pa.array(sorted(there), pa.string())))
        if left := chunk.filter(missing):
            yield left


def _is_quiet(older: Path) -> bool:
    """Whether the file of an earlier release is there, and nobody has written to it for long."""
    return older.exists() and older.stat().st_mtime < time.time() - _QUIET_SECONDS


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)


def _move_older(path: Path, data: Path) -> int:
    """The lines of an earlier release's file, which is emptied and stays: such a service may have it open.

    Its writers lock the file itself, and wait meanwhile. Its sequence begins anew in an empty file, so the stream is
    named after its first line, and counted in bytes.
    """
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = files.cut_torn_line(file.fileno())
        if not size:
            return 0
        stream = f"{STREAM} {next(_lines(path)).id}"
        begins = tables.position(data, tables.CAPTURED, stream)
        added = tables.append_stream(
            data, tables.CAPTURED, (stream, size), by=DAY, chunks=partial(_chunks, path, begins)
        )
        os.ftruncate(file.fileno(), 0)
    return added.rows


def _chunks(path: Path, begins: int = 0) -> Iterator[pa.RecordBatch]:
    """The lines of a file from a byte on as chunks of one day each, in the order of the file."""
    for day, lines in itertools.groupby(_lines(path, begins), key=lambda line: line.time[:10]):
        while chunk := list(itertools.islice(lines, _ROWS)):
            yield _batch(day, chunk)


def _lines(path: Path, begins: int = 0) -> Iterator[_Line]:
    decoder = msgspec.json.Decoder(_Line)
    with path.open("rb") as file:
        file.seek(begins)
        for number, line in enumerate(file, start=1):
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise FactoryError(
                    f"{path}: line {number} is damaged: restore the file from a backup, or take the line out"
                ) from None


def _batch(day: str, lines: list[_Line]) -> pa.RecordBatch:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {
        "prediction_id": [line.id for line in lines],
        "time": [line.time for line in lines],
        DAY: [day] * len(lines),
        "sequence": [line.sequence for line in lines],
        "model_version": [line.model_version for line in lines],
        "model_sha256": [line.model_sha256 for line in lines],
        "commit": [line.commit for line in lines],
        "role": [line.role for line in lines],
        "inputs": [bytes(line.inputs).decode() for line in lines],
        "output": [bytes(line.output).decode() for line in lines],
        "redacted": [bytes(line.redacted).decode() for line in lines],
    }
    types = {"sequence": pa.int64()}
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    )
