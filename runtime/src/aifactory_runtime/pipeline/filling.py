"""Fills a table from another one by parts: each is read and written by one worker, all are added in one commit."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.data import parts, pieces
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.part_file import Written
from aifactory_runtime.data.pieces import Piece, Reader, Split

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """Some pieces of the input, and the file for their rows; `start` rows of the input come before."""

    pieces: tuple[Piece, ...]
    start: int
    file: parts.Beside


@dataclass(frozen=True)
class Done:
    """The file, None where a part has no rows, and what a person should know of what was read."""

    written: Written | None
    notes: Notes


def fill(executor: Executor, split: Split, writer: parts.Writer, write: Callable[[Part], Done]) -> None:
    """Have `write` make the file of each part, in the order of the input; say what a person should know of it.

    A part whose worker was lost is written again: the file of the attempt that came back counts.
    """
    notes = Notes()
    for done in executor.in_order(write, _parts(executor, split, writer), what="part"):
        notes.add(done.notes)
        if done.written is not None:
            writer.take(done.written)
    notes.say()


def _parts(executor: Executor, split: Split, writer: parts.Writer) -> Iterator[Part]:
    """What each task writes; this process writes all of it in one.

    Where no file says how many rows come before a part, they are counted first.
    """
    if isinstance(executor, LocalExecutor) or not split.pieces:
        yield Part(split.pieces, 0, writer.beside(0, 0))
        return
    if split.whole:
        _log.warning("note: it is read by one process, as %s: save it as Parquet, or in several files", split.whole)
    shared, start = pieces.shared(split), 0
    before = shared[:-1]
    if any(piece.rows is None for some in before for piece in some):
        rows = list(executor.in_order(functools.partial(_count, split.reader), before, what="part"))
    else:
        rows = [sum(piece.rows or 0 for piece in some) for some in before]
    for number, (some, more) in enumerate(zip(shared, [*rows, 0], strict=True)):
        yield Part(some, start, writer.beside(number, start))
        start += more


def _count(reader: Reader, some: tuple[Piece, ...]) -> int:
    """Rows of some pieces of a table."""
    return sum(reader.count(piece) for piece in some)
