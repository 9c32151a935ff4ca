"""A table in pieces that are read each on its own: files, or chunks of them. The pieces depend on the table alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aifactory_runtime.data import parts
from aifactory_runtime.data.notes import Notes

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Piece:
    """Rows that lie together. `place` is known to whoever made it; `rows` is None where only reading tells it.

    `before` counts the rows of the same file that come first.
    """

    place: Any
    rows: int | None
    before: int = 0


@dataclass(frozen=True)
class Wanted:
    """What is read of a table: see `source.batches`."""

    kinds: Mapping[str, str]
    rows: int
    without: Collection[str]


class Reader(Protocol):
    """Reads the pieces of a table. Picklable, as they are, and small: it does not hold them."""

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """The rows of one; `notes` gets what a person should know of them."""
        ...

    def count(self, piece: Piece) -> int:
        """How many rows it has, read as cheaply as that can be told."""
        ...


@dataclass(frozen=True)
class Split:
    """A table whose pieces, in their order, are its rows, of so many columns.

    `whole` says why there is only one piece, whatever its size.
    """

    reader: Reader
    pieces: tuple[Piece, ...]
    columns: int
    whole: str = ""


def chunks(rows: Sequence[int], columns: int) -> list[tuple[range, int, int]]:
    """Chunks of a file, of so many rows each, put together: which ones, how many rows they have, and come before.

    Four chunks of ours at least, but for the last: so much is worth a task.
    """
    found, start, held, before = [], 0, 0, 0
    for place, count in enumerate(rows):
        held += count
        if held >= piece_rows(columns) or place == len(rows) - 1:
            found.append((range(start, place + 1), held, before))
            start, held, before = place + 1, 0, before + held
    return found


def piece_rows(columns: int) -> int:
    """How many rows of so many columns are worth a task."""
    return 4 * parts.chunk_rows(columns)


def shared(split: Split) -> list[tuple[Piece, ...]]:
    """Pieces for one task each: small ones together, those beside each other."""
    tasks: list[tuple[Piece, ...]] = []
    held, most = 0, piece_rows(split.columns)
    for piece in split.pieces:
        if piece.rows is not None and tasks and held + piece.rows <= most:
            tasks[-1] = (*tasks[-1], piece)
            held += piece.rows
        else:
            tasks.append((piece,))
            held = most if piece.rows is None else piece.rows
    return tasks
