"""Cuts a version of a stored table into partitions of about so many rows, each whole chunks of files, in their order.

No chunk is read twice for it. What has to add up the same whatever the files are goes by blocks: `spans`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aifactory_runtime.data import tables
from aifactory_runtime.data.parts import Stored
from aifactory_runtime.storage.place import Place

ROWS = 1 << 20
"""Rows of a partition, unless one chunk has more: what is held of them row by row stays below 100 MB."""


@dataclass(frozen=True)
class Partition:
    """Rows of a table that follow on each other; `first` is the number of its first row, from 0 in the whole table."""

    number: int
    first: int
    rows: int
    files: tuple[Stored, ...]


def of(folder: Place, name: str, version: int | None = None, rows: int | None = None) -> list[Partition]:
    """The partitions of a version, of `rows` rows (ROWS) at most if chunks allow; FactoryError when it is not there."""
    most, found = rows or ROWS, list[Partition]()
    for file, chunks in tables.chunked(folder, name, version):
        for number, count in enumerate(chunks):
            last = found[-1] if found else Partition(-1, 0, 0, ())
            if not found or last.rows + count > most:
                found.append(Partition(last.number + 1, last.first + last.rows, count, (_one(file, number),)))
            else:
                found[-1] = replace(last, rows=last.rows + count, files=_longer(last.files, file, number))
    return found


def _one(file: Stored, chunk: int) -> Stored:
    return replace(file, chunks=range(chunk, chunk + 1))


def _longer(files: Sequence[Stored], file: Stored, chunk: int) -> tuple[Stored, ...]:
    """With one chunk more, which follows on the last one."""
    last = files[-1]
    if last.path == file.path and last.chunks is not None:
        return (*files[:-1], replace(last, chunks=range(last.chunks.start, chunk + 1)))
    return (*files, _one(file, chunk))
