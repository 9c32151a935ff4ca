"""Cuts a version of a stored table into parts of whole blocks of rows, each of which any process reads on its own.

A block has the same rows whatever the files of the table are, so that sums over blocks are the same to the last bit.
Where that does not matter, parts are whole chunks of files: `partitions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aifactory_runtime.data import ahead, arrow_frames, part_reading, parts, table_errors, table_place, tables
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BLOCKS = 4
"""So many are worth a task."""


@dataclass(frozen=True)
class Span:
    """A chunk of a file; `first` is the number of its first row among those that are read."""

    path: str
    chunk: int
    first: int
    rows: int


@dataclass(frozen=True)
class Part:
    """The rows from `first` to `end`, and the chunks that hold them."""

    first: int
    end: int
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class BlockReader:
    """Reads the columns of `schema` of parts of a version, `block` rows at a time; picklable and small."""

    folder: Place
    name: str
    version: int
    schema: pa.Schema
    block: int

    def frames(self, part: Part) -> Iterator[pd.DataFrame]:
        """The rows of a part, a block at a time; FactoryError as `tables.batches` raises it."""
        with table_errors.readable(self.folder, self.name, self.version):
            for block in ahead.ahead(self._blocks(part)):
                yield arrow_frames.to_frame(block)

    def _blocks(self, part: Part) -> Iterator[pa.Table]:
        import pyarrow as pa

        waiting, held = list[pa.Table](), 0
        for found in self._chunks(part):
            waiting.append(found)
            held += len(found)
            while held >= self.block:
                table = pa.concat_tables(waiting)
                yield table.slice(0, self.block)
                waiting, held = [table.slice(self.block)], held - self.block
        if held:
            yield pa.concat_tables(waiting)

    def _chunks(self, part: Part) -> Iterator[pa.Table]:
        for span in part.spans:
            first = max(part.first - span.first, 0)
            count = min(part.end - span.first, span.rows) - first
            found = part_reading.read_chunk(self.folder / self.name / span.path, span.chunk, self.schema)
            yield found.slice(first, count)


def of(
    folder: Place, name: str, version: int, columns: Sequence[str] | None = None, where: tuple[str, str] | None = None
) -> tuple[BlockReader, list[Span]]:
    """The rows of a version in the order they were written, or of the files `where` a column has only one value.

    FactoryError when the table is not there.
    """
    schema = tables.columns(folder, name, version)
    if columns is not None:
        schema = schema.empty_table().select(list(columns)).schema
    found, first = [], 0
    with table_errors.readable(folder, name, version):
        for file in parts.stored(table_place.delta(folder / name, version)):
            if where is not None and file.only.get(where[0]) != where[1]:
                continue
            for chunk, rows in enumerate(part_reading.chunks_of(folder / name / file.path)):
                found.append(Span(file.path, chunk, first, rows))
                first += rows
    return BlockReader(folder.absolute(), name, version, schema, parts.chunk_rows(len(schema))), found


def shared(found: Sequence[Span], block: int, *, alone: bool) -> list[Part]:
    """The rows in parts of as many blocks as are worth a task; in one where this process is `alone`."""
    total = found[-1].first + found[-1].rows if found else 0
    size = max(total, 1) if alone else _BLOCKS * block
    made, start = [], 0
    for first in range(0, total, size):
        end = min(first + size, total)
        while found[start].first + found[start].rows <= first:
            start += 1
        stop = start
        while stop < len(found) and found[stop].first < end:
            stop += 1
        made.append(Part(first, end, tuple(found[start:stop])))
    return made
