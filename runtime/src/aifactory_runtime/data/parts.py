"""Parquet files of a Delta table: written in order chunk by chunk, committed at once; `part_reading` reads them."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import column_names
from aifactory_runtime.data.part_file import PartFile, Written
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

ORDER = column_names.ORDER

CHUNK_BYTES = 32 << 20
"""What one chunk of a table may hold, counting 8 bytes a value: the bound of what reads and writes tables."""
_FEWEST, _MOST = 1_024, 262_144
_ASIDE = "_writing"
_NAME = re.compile(r"part-\d{5,}-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-[0-9a-f]{8})?\.parquet")
"""Names of files: the number within what is added together, what that is, and of several attempts which one."""


def chunk_rows(columns: int) -> int:
    """Rows of a chunk of a table with so many columns."""
    return max(_FEWEST, min(_MOST, CHUNK_BYTES // (8 * max(columns, 1))))


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of any size, put together until they make half a chunk: what is made of one is held beside the next."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        waiting.append(batch)
        held += batch.num_rows
        if held >= chunk_rows(batch.num_columns) // 2:
            yield pa.concat_batches(waiting)
            waiting, held = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


@dataclass(frozen=True)
class Stored:
    """One file of a version as its commit describes it; `only` holds the columns that have one value in all rows."""

    path: str
    rows: int
    first: int
    only: Mapping[str, Any]
    chunks: range | None = None
    """Which of its chunks are meant; all for None."""

    @property
    def append(self) -> str:
        """Equal for the files that one writer added; another writer's are each on its own."""
        found = _NAME.fullmatch(self.path)
        return found[1] if found else self.path


class Writer:
    """Writes one file for each value of the column `by` (one file for None), each in the order given.

    `starts` says which number the first row of each file gets in the column that keeps the order. Files are written
    aside and moved to the table when they are whole; what a killed writer left aside goes when the next one begins.
    The files for a table in an object store are written on this machine, and sent when all of them are whole.
    With `long_texts` each batch is a chunk of its own, as 8 bytes a value would not bound it, and is packed tightly.
    `append` names what is added together, where the files take the place of others.
    """

    def __init__(
        self,
        folder: Place,
        starts: Mapping[str, int],
        by: str | None = None,
        *,
        long_texts: bool = False,
        append: str | None = None,
    ) -> None:
        self.aside = folder.absolute() / _ASIDE if isinstance(folder, Path) else Path(tempfile.mkdtemp())
        """Where files lie that are written, until they are whole; nobody else writes there meanwhile."""
        self.append = append or str(uuid.uuid4())
        self._attempt = "" if append is None else _attempt()
        self._folder = folder
        self._starts = starts
        self._by = by
        self._long_texts = long_texts
        self._parts: dict[str, PartFile] = {}
        self._written: dict[str, Written] = {}
        shutil.rmtree(self.aside, ignore_errors=True)

    def add(self, batch: pa.RecordBatch, value: str = "") -> None:
        """Add rows to the file for `value`, behind those that are there and in files that were taken in."""
        part = self._parts.get(value)
        if part is None:
            path = self.aside / _named(len(self._parts) + len(self._written), self.append, self._attempt)
            first = self._starts[value] + self.rows
            part = PartFile(path, self._folder.name, first, tight=self._long_texts)
            self._parts[value] = part
        part.add(batch)
        if self._long_texts or part.held >= chunk_rows(batch.num_columns):
            part.flush()

    def beside(self, number: int, before: int) -> Beside:
        """For another process, which writes the file of this number; the `before` rows of others come first."""
        return Beside(self._folder.name, self.aside, self.append, number, self._starts[""] + before)

    def take(self, written: Written) -> None:
        """Take in a file that another process wrote aside, with the columns of those that are there."""
        first = next(iter(self._written.values()), written)
        if not written.schema.equals(first.schema):
            column = next(
                (entry.name for entry in first.schema if entry not in written.schema), written.schema.names[0]
            )
            raise FactoryError(
                f"table {self._folder.name}: {column} is not of the same type in all parts of the input: declare it in "
                "schema.py"
            )
        self._written[written.path.name] = written

    def add_all(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Add each batch to the file for its value."""
        for batch in batches:
            self.add(batch, "" if self._by is None else batch.column(self._by)[0].as_py())

    @property
    def filled(self) -> bool:
        """Whether a row was added."""
        return bool(self._parts or self._written)

    @property
    def columns(self) -> pa.Schema:
        """Columns of the files that were taken in, without the one that keeps the order."""
        schema = next(written.schema for written in self._written.values())
        return schema.remove(schema.get_field_index(ORDER))

    def close(self) -> list[Any]:
        """Finish all files; the actions that add them to the table."""
        self._written |= {value: part.close() for value, part in self._parts.items()}
        actions = [self._action(value, written) for value, written in self._written.items()]
        self._place()
        shutil.rmtree(self.aside, ignore_errors=True)  # files of attempts whose process was lost, too
        return actions

    def discard(self, committed: Collection[str]) -> None:
        """Remove every file that was written, but those that a commit names."""
        for part in self._parts.values():
            part.give_up()
        for name in {written.path.name for written in self._written.values()}.difference(committed):
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.aside, ignore_errors=True)
        if isinstance(self._folder, Path):
            with suppress(OSError):
                self._folder.rmdir()  # one that holds other files stays

    @property
    def schema(self) -> pa.Schema:
        """Columns of the files, once they are closed."""
        return next(written.schema for written in self._written.values())

    @property
    def rows(self) -> int:
        """Rows of all files that are whole."""
        return sum(written.rows for written in self._written.values())

    def _place(self) -> None:
        """Move the files to the table."""
        wanted = {written.path.name for written in self._written.values()}
        if isinstance(self._folder, Path):
            for name in wanted:
                (self.aside / name).rename(self._folder / name)
            return
        for path in self.aside.iterdir():
            if path.name not in wanted:
                path.unlink()
        self._folder.store.upload(self.aside, "")

    def _action(self, value: str, written: Written) -> Any:
        """What the commit says of a file that is still aside."""
        from deltalake.transaction import AddAction

        path = written.path
        least, most = {ORDER: written.first}, {ORDER: written.first + written.rows - 1}
        same = {} if self._by is None else {self._by: value}
        facts = {"numRecords": written.rows, "minValues": least | same, "maxValues": most | same, "nullCount": {}}
        about = path.stat()
        return AddAction(path.name, about.st_size, {}, about.st_mtime_ns // 1_000_000, True, json.dumps(facts))


@dataclass(frozen=True)
class Beside:
    """One file of a `Writer` of another process; each attempt to write it has a name of its own."""

    table: str
    aside: Path
    append: str
    number: int
    first: int

    def write(self, batches: Iterable[pa.RecordBatch]) -> Written | None:
        """Write the rows, chunk by chunk; None when there are none. Whatever goes wrong, no file stays."""
        path = self.aside / _named(self.number, self.append, _attempt())
        part = PartFile(path, self.table, self.first)
        try:
            for batch in batches:
                part.add(batch)
                if part.held >= chunk_rows(batch.num_columns):
                    part.flush()
            return part.close() if part.rows or part.held else None
        except BaseException:
            part.give_up()
            raise


def _named(number: int, append: str, attempt: str) -> str:
    return f"part-{number:05d}-{append}{attempt}.parquet"


def _attempt() -> str:
    return f"-{uuid.uuid4().hex[:8]}"


def stored(table: DeltaTable) -> list[Stored]:
    """The files of a version that is open, in the order of their rows."""
    found = []
    listed = table.get_add_actions(flatten=True)
    columns = {name: listed.column(name).to_pylist() for name in listed.schema.names}
    for place, path in enumerate(columns["path"]):
        least = {name[4:]: values[place] for name, values in columns.items() if name.startswith("min.")}
        most = {name[4:]: values[place] for name, values in columns.items() if name.startswith("max.")}
        only = {name: value for name, value in least.items() if value is not None and most.get(name) == value}
        found.append(Stored(path, columns["num_records"][place], least.get(ORDER) or 0, only))
    return sorted(found, key=lambda file: (file.first, file.path))


def appends(table: DeltaTable) -> list[list[Stored]]:
    """The files of a version that is open, those that were added together in one list, in the order of their rows."""
    found: dict[str, list[Stored]] = {}
    for file in stored(table):
        found.setdefault(file.append, []).append(file)
    return list(found.values())
