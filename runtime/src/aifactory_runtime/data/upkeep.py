"""Takes old versions and old files out of a Delta table: what stays is read as before, and its log is kept whole."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aifactory_runtime.data import part_reading, parts, table_errors, table_place, tables
from aifactory_runtime.data.parts import Stored
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction, RemoveAction


ABANDONED_SECONDS = 2 * 86_400
"""No writer needs so long between a file and its commit."""


@dataclass(frozen=True)
class File:
    """A file of the newest version: the least and the largest value of one of its columns, as text."""

    path: str
    bytes: int
    least: str
    most: str


def contents(folder: Place, name: str) -> list[int]:
    """Numbers of the versions that hold content of their own, oldest first; none when there is no table."""
    table = table_place.opened(folder, name)
    commits = [] if table is None else table.history()
    return sorted(int(commit["version"]) for commit in commits if tables.SHA256 in commit)


def vacuum(folder: Place, name: str, stay: Collection[int]) -> int:
    """Remove the files that neither the newest version nor one of `stay` has; the bytes freed.

    Nothing is committed when there are none: Delta also lists those that are gone already. Files that no commit names
    go once they are old: young ones are being written, the others were left by who was killed.
    """
    table = table_place.opened(folder, name)
    if table is None:
        return 0
    surplus = _vacuum(table, stay, dry=True)
    freed = _bytes(folder / name, surplus)
    if freed:
        _prune(table, name, stay)
    uncommitted = set(_vacuum(table, stay, dry=True, full=True)).difference(surplus)
    return freed + _remove_abandoned(folder / name, uncommitted)


def _prune(table: DeltaTable, name: str, stay: Collection[int]) -> None:
    with table_errors.one_line(name):
        if any(table.metadata().configuration.get(key) != value for key, value in tables.KEPT_LOG.items()):
            table.alter.set_table_properties(tables.KEPT_LOG)  # written by an earlier release: its old commits would go
        _vacuum(table, stay, dry=False)


def _remove_abandoned(table: Place, names: Collection[str]) -> int:
    """Remove files that nobody will commit any more; their bytes."""
    freed = 0
    for name, about in table_place.about(table, names).items():
        if time.time() - about.written > ABANDONED_SECONDS:
            (table / name).unlink(missing_ok=True)
            freed += about.bytes
    return freed


def files(folder: Place, name: str, column: str) -> list[File]:
    """Files of the newest version by a column of texts; none when there is no table. One without statistics is read."""
    table = table_place.opened(folder, name)
    if table is None:
        return []
    found, there = [], parts.stored(table)
    about = table_place.about(folder / name, {file.path for file in there})
    for file in there:
        size = about[file.path].bytes if file.path in about else 0
        only = file.only.get(column)
        least, most = (only, only) if only is not None else _range(folder / name / file.path, column)
        found.append(File(file.path, size, str(least), str(most)))
    return found


def remove_files(folder: Place, name: str, paths: Collection[str]) -> int:
    """Take whole files out of the table in one commit, then off the disk; the bytes freed.

    What was taken out before, by one who was killed, goes off the disk as well.
    """
    table = table_place.opened(folder, name)
    if table is None:
        return 0
    there = [file.path for file in parts.stored(table) if file.path in paths]
    if there:
        with table_errors.one_line(name):
            take_out(table, there)
    return vacuum(folder, name, ())


def take_out(table: DeltaTable, paths: Collection[str], more: Iterable[AddAction] = ()) -> None:
    """Commit that the newest version has these files no longer, and `more` in place of them."""
    from deltalake.transaction import RemoveAction

    now = time.time_ns() // 1_000_000
    actions: list[AddAction | RemoveAction] = [RemoveAction(path, True, now) for path in paths]
    table.create_write_transaction([*actions, *more], "append", table.schema())


def pack(folder: Place, name: str, groups: Iterable[Sequence[Stored]]) -> None:
    """Make one file of each group of files of the newest version, in one commit; rows stay in the order of the files.

    Numbers of rows are given anew within a group. The old files stay on the disk for those who read them, until the
    next `vacuum`. A checkpoint follows, so that who opens the table does not read every commit. Nobody else may write
    meanwhile.
    """
    table = table_place.opened(folder, name)
    wanted = [sorted(group, key=lambda file: file.first) for group in groups]
    if table is None or not wanted:
        return
    schema = tables.columns(folder, name)
    writers: list[parts.Writer] = []
    with table_errors.one_line(name):
        try:
            actions = []
            for group in wanted:
                writer = parts.Writer(folder / name, {"": group[0].first}, long_texts=True)
                writers.append(writer)
                for batch in parts.gathered(_batches(folder / name, group, schema)):
                    writer.add(batch)
                actions += writer.close()
            take_out(table, [file.path for group in wanted for file in group], actions)
        except BaseException:
            committed = {file.path for file in parts.stored(table_place.opened(folder, name) or table)}
            for writer in writers:
                writer.discard(committed)
            raise
        table.create_checkpoint()


def _batches(path: Place, files: Sequence[Stored], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for chunk in part_reading.read(path, files, schema, None, parts.chunk_rows(len(schema))):
        yield from chunk.combine_chunks().to_batches()


def _vacuum(table: DeltaTable, stay: Collection[int], *, dry: bool, full: bool = False) -> list[str]:
    kept = sorted(number for number in stay if number <= table.version())
    return table.vacuum(retention_hours=0, dry_run=dry, enforce_retention_duration=False, full=full, keep_versions=kept)


def _bytes(folder: Place, names: Collection[str]) -> int:
    return sum(about.bytes for about in table_place.about(folder, names).values())


def _range(path: Place, column: str) -> tuple[str, str]:
    """The least and the largest value of a column of a file, by what its chunks say of themselves."""
    with table_place.parquet_file(path) as file:
        place = file.schema_arrow.names.index(column)
        known = [file.metadata.row_group(group).column(place).statistics for group in range(file.num_row_groups)]
        if all(one is not None and one.has_min_max for one in known):
            return min(one.min for one in known), max(one.max for one in known)
        values = file.read(columns=[column]).column(0).drop_null()
        return min(_texts(values)), max(_texts(values))


def _texts(values: object) -> Iterator[str]:
    return map(str, values)  # type: ignore[call-overload, no-any-return]
