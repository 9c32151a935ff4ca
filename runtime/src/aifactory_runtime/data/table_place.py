"""A Delta table where it lies, in a folder or in an object store: opened, and its files one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data.table_errors import readable
from aifactory_runtime.storage.place import Place, Remote

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyarrow.parquet import ParquetFile


@dataclass(frozen=True)
class About:
    """Size of a file in bytes, and when it was written, in seconds since 1970 by the clock of its place."""

    bytes: int
    written: float


def there(folder: Place, name: str) -> bool:
    """Whether there is such a table."""
    if isinstance(folder, Path):
        return (folder / name / "_delta_log").is_dir()
    return opened(folder, name) is not None


def opened(folder: Place, name: str, version: int | None = None) -> DeltaTable | None:
    """A version of a table; None when there is no table."""
    from deltalake.exceptions import TableNotFoundError

    if isinstance(folder, Path) and not there(folder, name):
        return None
    with readable(folder, name, version):
        try:
            return delta(folder / name, version)
        except TableNotFoundError:
            return None


def delta(table: Place, version: int | None = None) -> DeltaTable:
    """A version of the table that lies there; raises what Delta raises."""
    from deltalake import DeltaTable

    return DeltaTable(str(table), version=version, storage_options=options(table))


def options(table: Place) -> dict[str, str] | None:
    """How Delta gets to the store of a table; None for a folder."""
    if isinstance(table, Path):
        return None
    from aifactory_runtime.storage import delta_options

    return delta_options(str(table))


@contextmanager
def parquet_file(file: Place) -> Iterator[ParquetFile]:
    """A file of a table for reading; of one in a store only what is asked for travels."""
    from pyarrow import parquet

    source: Any = str(file) if isinstance(file, Path) else _reader(file)
    with parquet.ParquetFile(source) as found:
        yield found


def _reader(file: Remote) -> Any:
    from deltalake.fs import DeltaStorageHandler
    from pyarrow.fs import PyFileSystem

    folder = file.parent
    return PyFileSystem(DeltaStorageHandler(str(folder), options(folder))).open_input_file(file.name)


def about(table: Place, names: Collection[str]) -> dict[str, About]:
    """Size and time of files of a table, by name; those that are gone are left out."""
    if isinstance(table, Remote):
        listed = table.store.list() if names else ()
        return {one.key: About(one.size, one.modified.timestamp()) for one in listed if one.key in names}
    found = {name: path.stat() for name in names if (path := table / name).is_file()}
    return {name: About(one.st_size, one.st_mtime) for name, one in found.items()}
