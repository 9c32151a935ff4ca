"""Takes rows out of a Delta table for good: files that hold some are written anew without them, and the old ones go.

Versions from before cannot be read any more, so it is for tables that nobody reads at a version: `captured`, `labels`,
`scored`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import part_reading, parts, table_place, tables
from aifactory_runtime.data.parts import Stored
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa

Wanted = Callable[["pa.Table"], Sequence[bool]]
"""Which rows of a chunk are meant: one answer a row."""
_ROWS = 10_000


def found(folder: Place, name: str, wanted: Wanted) -> Iterator[pa.Table]:
    """The rows that are meant, in chunks; none where there is no table."""
    if not table_place.there(folder, name):
        return
    schema = tables.columns(folder, name)
    for file in _files(folder, name):
        for chunk in part_reading.read(folder / name, [file], schema, None, _ROWS):
            yield chunk.filter(_array(wanted(chunk)))


def erase(folder: Place, name: str, wanted: Wanted, by: str | None = None) -> int:
    """Take the rows that are meant out of the table, in one commit, then off the disk; how many they were.

    `by` is the column that the files of the table are parted by. Killed anywhere, the same again finishes it.
    FactoryError, which says how far it came, when the disk does not take it. Nobody else may write meanwhile.
    """
    if not table_place.there(folder, name):
        return 0
    schema = tables.columns(folder, name)
    with _one_line(name, "nothing was erased"):
        change = _Change(folder / name, schema, by)
        try:
            for file in _files(folder, name):
                change.look(file, wanted)
            change.commit()
        except BaseException:
            change.discard({file.path for file in _files(folder, name)})
            raise
    with _one_line(name, "the rows are out of it, but files of before are still on the disk"):
        # Files of a commit before, too: whoever made it may have been killed before they went.
        table = table_place.delta(folder / name)
        table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    return change.rows


class _Change:
    """Files that come and go in one commit."""

    def __init__(self, path: Place, schema: pa.Schema, by: str | None) -> None:
        self.rows = 0
        self._path, self._schema, self._by = path, schema, by
        self._actions: list[Any] = []
        self._writers: list[parts.Writer] = []

    def look(self, file: Stored, wanted: Wanted) -> None:
        """A file that holds rows that are meant goes; what else it holds is written to another one."""
        from deltalake.transaction import RemoveAction

        meant = sum(sum(wanted(chunk)) for chunk in self._chunks(file))
        if not meant:
            return
        self.rows += meant
        self._actions.append(RemoveAction(file.path, True, time.time_ns() // 1_000_000))
        if meant < file.rows:
            self._write(file, wanted)

    def commit(self) -> None:
        """All of it, or nothing."""
        if self._actions:
            table = table_place.delta(self._path)
            table.create_write_transaction(self._actions, "append", table.schema())

    def discard(self, committed: set[str]) -> None:
        """Remove what was written in vain."""
        for writer in self._writers:
            writer.discard(committed)

    def _write(self, file: Stored, wanted: Wanted) -> None:
        value = "" if self._by is None else str(file.only[self._by])
        texts = self._by is not None
        writer = parts.Writer(self._path, {value: file.first}, self._by, long_texts=texts, append=file.append)
        self._writers.append(writer)
        for chunk in self._chunks(file):
            left = chunk.filter(_array([not meant for meant in wanted(chunk)])).combine_chunks()
            for batch in left.to_batches():
                writer.add(batch, value)
        self._actions += writer.close()

    def _chunks(self, file: Stored) -> Iterator[pa.Table]:
        return part_reading.read(self._path, [file], self._schema, None, _ROWS)


def _files(folder: Place, name: str) -> list[Stored]:
    return parts.stored(table_place.delta(folder / name))


def _array(meant: Sequence[bool]) -> pa.Array:
    import pyarrow as pa

    return pa.array(meant, pa.bool_())


@contextmanager
def _one_line(name: str, came_to: str) -> Iterator[None]:
    """What disk, Delta and Arrow raise, as one line with what it came to; their words may hold values."""
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        kind = type(error).__name__
        raise FactoryError(
            f"table {name}: {came_to} ({kind}); check the disk's space and rights, then erase again"
        ) from None
