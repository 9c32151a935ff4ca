"""Reads a log together with the table that it is moved into: each line once, whatever is moved meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aifactory_runtime.capture import moving
from aifactory_runtime.capture.moving import DAY, Line, Log
from aifactory_runtime.data import arrow_frames, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

_LOOKS = 10


@dataclass(frozen=True)
class Span:
    """Times from `begins` up to, but without, `ends`: text in ISO 8601 in UTC to the millisecond, as lines have it."""

    begins: str
    ends: str

    def holds(self, time: str) -> bool:
        """Whether a line of this time is meant."""
        return self.begins <= time < self.ends


EVER = Span("", "~")


def frames(
    folder: Path,
    data: Place,
    log: Log,
    span: Span = EVER,
    columns: Sequence[str] | None = None,
    *,
    holding: tuple[str, str] | None = None,
) -> Iterator[pd.DataFrame]:
    """The lines of a span with the columns of the log's table, in the order they were recorded.

    `columns` takes only these of the table, as far as it has them, and `time`; lines of files have all. `holding` takes
    only rows of the table whose text in a column has another as a part; lines of files come all the same.

    Files of the log are opened before the table is looked at, and one version of the table is read: a line that is
    moved meanwhile is found in its file.
    """
    with ExitStack() as held:
        opened = _opened(folder, log, held)
        latest = tables.latest(data, log.table)
        if latest is not None:
            yield from _of_table(data, log, latest.version, span, columns, holding=holding)
        for path, file in opened:
            looked = partial(moving.known, data, log, version=latest.version) if latest else _none
            yield from _of_file(path, file, log, span, looked)


def _opened(folder: Path, log: Log, held: ExitStack) -> list[tuple[Path, IO[bytes]]]:
    """The files of the log, open, oldest first: all of them, so what is gone when it is opened is looked for again."""
    older = [folder / log.older] if log.older else []
    for _ in range(_LOOKS):
        with ExitStack() as trying:
            wanted = [path for path in older if path.exists()]
            try:
                found: list[tuple[Path, IO[bytes]]] = [
                    (path, trying.enter_context(path.open("rb"))) for path in [*wanted, *log.segments(folder).all()]
                ]
            except FileNotFoundError:
                continue
            held.push(trying.pop_all())
            return found
    raise FactoryError(f"{folder} changes while it is read: run it again")


def _of_table(
    data: Place,
    log: Log,
    version: int,
    span: Span,
    columns: Sequence[str] | None,
    *,
    holding: tuple[str, str] | None,
) -> Iterator[pd.DataFrame]:
    wanted = None
    if columns is not None:
        wanted = [name for name in tables.columns(data, log.table, version).names if name in {*columns, "time"}]
    for day in tables.parted_by(data, log.table, DAY, version):
        if span.begins[:10] <= day <= span.ends[:10]:
            chunks = tables.batches(data, log.table, version, columns=wanted, where=(DAY, day), holding=holding)
            for frame in chunks:
                inside = (frame["time"] >= span.begins) & (frame["time"] < span.ends)
                yield frame[inside].reset_index(drop=True)


def _none(found: Iterable[Line]) -> frozenset[str]:
    del found
    return frozenset()


def _of_file(
    path: Path, file: IO[bytes], log: Log, span: Span, known: Callable[[Iterable[Line]], frozenset[str]]
) -> Iterator[pd.DataFrame]:
    """The lines of a file whose ids are not `known`."""
    import pyarrow as pa

    size = os.fstat(file.fileno()).st_size
    there = known(_whole(path, file, log, span))
    missing = (line for line in _whole(path, file, log, span) if line.id not in there)
    for chunk in moving.batches(missing, log):
        yield arrow_frames.to_frame(pa.Table.from_batches([chunk]))
    if os.fstat(file.fileno()).st_size < size:
        raise FactoryError(f"{path} was moved while it was read: run it again")


def _whole(path: Path, file: IO[bytes], log: Log, span: Span) -> Iterator[Any]:
    """The lines of a span; one without its end is being written, or was torn, and counts for nobody."""
    file.seek(0)
    whole = (line for line in file if line.endswith(b"\n"))
    return (line for line in moving.decoded(path, whole, log) if span.holds(line.time))
