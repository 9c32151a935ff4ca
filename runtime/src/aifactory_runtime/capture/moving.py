"""Moves closed files of a log into a Delta table, each line exactly once, wherever it is killed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from aifactory_runtime import files
from aifactory_runtime.capture import log_file
from aifactory_runtime.data import table_writing, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.segments import Segments
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa

DAY = "day"
"""Column that the files of the table are parted by: the first ten letters of a line's time."""
_ROWS = 10_000
"""Rows of a chunk: some 10 MB of lines."""


class Line(Protocol):
    """What every line has, whatever else."""

    id: str
    time: str


@dataclass(frozen=True)
class Log:
    """What differs between logs. The table's transaction, whose version is the last sequence, is called as the table.

    `columns` makes all columns of the table but the day, in their order, a text each unless `types` says another.
    """

    segments: Callable[[Path], Segments]
    lock: str
    refused: str
    line: type[Any]
    table: str
    identity: str
    columns: Callable[[Sequence[Any]], Mapping[str, list[Any]]]
    types: Callable[[], Mapping[str, Any]]
    older: str | None = None
    """The one file that earlier releases write to."""


@dataclass(frozen=True)
class Moved:
    """What one compaction moved."""

    rows: int
    files: int


def closed_files(folder: Path, data: Place, log: Log) -> Moved:
    """Close the file that is written to, and move all closed ones; killed anywhere, the next one goes on.

    FactoryError when a line is damaged, or when the disk does not take it. Call it under `locked`.
    """
    segments = log.segments(folder)
    with _named_damage(segments):
        segments.close_newest()
    rows = [_move(path, segments.first(path), _last(segments, path), data, log) for path in segments.closed()]
    return Moved(sum(rows), len(rows))


@contextmanager
def locked(folder: Path, log: Log) -> Iterator[None]:
    """Who moves a log holds this; FactoryError at once while somebody else does."""
    with files.lock(folder / log.lock, log.refused):
        yield


def waiting(folder: Path, log: Log) -> int:
    """How many lines would be moved now."""
    segments = log.segments(folder)
    return sum(_last(segments, path) - segments.first(path) + 1 for path in segments.all())


def _last(segments: Segments, path: Path) -> int:
    with _named_damage(segments, path):
        return segments.last(path)


@contextmanager
def _named_damage(segments: Segments, path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise FactoryError(log_file.damaged(path or segments.newest())) from None


def _move(path: Path, first: int, last: int, data: Place, log: Log) -> int:
    """One closed file, with lines of the sequences `first` to `last`, into the table, then away with it.

    The table may be at a later sequence: who moved the file was killed before it went, or the sequences began anew, as
    the log's files were lost or restored. Then each line is looked up by its id, and those that are missing are added.
    """
    if first > tables.position(data, log.table, log.table):
        stream, made = log.table, partial(chunks, path, log)
    else:
        stream = f"{log.table} {_last_id(path, log)}"
        made = partial(_missing_chunks, path, _there(path, data, log), log)
    added = table_writing.append_stream(data, log.table, (stream, last), by=DAY, chunks=made)
    path.unlink()
    return added.rows


def _last_id(path: Path, log: Log) -> str:
    *_, last = lines(path, log)
    return str(last.id)


def _there(path: Path, data: Place, log: Log) -> frozenset[str]:
    """The ids of a file's lines that the table has."""
    return known(data, log, lines(path, log))


def known(data: Place, log: Log, found: Iterable[Line], version: int | None = None) -> frozenset[str]:
    """The ids of lines that the table has, at a version or now."""
    days: dict[str, set[str]] = {}
    for line in found:
        days.setdefault(line.time[:10], set()).add(line.id)
    there: set[str] = set()
    for day, ids in days.items():
        for frame in tables.batches(data, log.table, version, columns=[log.identity], where=(DAY, day)):
            there |= ids.intersection(frame[log.identity])
    return frozenset(there)


def _missing_chunks(path: Path, there: frozenset[str], log: Log) -> Iterator[pa.RecordBatch]:
    """As `chunks`, without the lines that are `there`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for chunk in chunks(path, log):
        missing = pc.invert(pc.is_in(chunk.column(log.identity), pa.array(sorted(there), pa.string())))
        if left := chunk.filter(missing):
            yield left


def chunks(path: Path, log: Log, begins: int = 0) -> Iterator[pa.RecordBatch]:
    """The lines of a file from a byte on as chunks of one day each, in the order of the file."""
    yield from batches(lines(path, log, begins), log)


def batches(found: Iterable[Line], log: Log) -> Iterator[pa.RecordBatch]:
    """Lines as the table has them: chunks of one day each, in the order given."""
    for day, of_day in itertools.groupby(found, key=lambda line: line.time[:10]):
        while chunk := list(itertools.islice(of_day, _ROWS)):
            yield _batch(day, chunk, log)


def lines(path: Path, log: Log, begins: int = 0) -> Iterator[Any]:
    """The lines of a file from a byte on; FactoryError names a damaged one."""
    with path.open("rb") as file:
        file.seek(begins)
        yield from decoded(path, file, log)


def decoded(path: Path, found: Iterable[bytes], log: Log) -> Iterator[Any]:
    """Bytes of lines of the file `path` as lines; FactoryError names a damaged one."""
    decoder = msgspec.json.Decoder(log.line)
    for number, line in enumerate(found, start=1):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise FactoryError(
                f"{path}: line {number} is damaged: restore the file from a backup, or take the line out"
            ) from None


def _batch(day: str, found: list[Any], log: Log) -> pa.RecordBatch:
    import pyarrow as pa

    columns, types = log.columns(found), log.types()
    made = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(made | {DAY: pa.array([day] * len(found), pa.string())})
