"""Reads the data source: text, Parquet or Delta, a path or an address; or says in one line what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_names, csv_text
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

RULES = 2
"""Version of the rules by which cells become values: another one reads the same bytes again."""
BATCH_ROWS = 65_536
_CHUNK_BYTES = 1 << 20
_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name where it stores one; Delta keeps nothing else that says what it is."""
_OTHER = {b"PK\x03\x04": "an Excel or zip file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"\x1f\x8b": "a gzip file"}


@dataclass(frozen=True)
class Located:
    """A table that is there: `name` as people wrote it, `path` as its file system knows it (None: this machine's)."""

    name: str
    path: str
    filesystem: Any = None

    def open(self, below: str = "") -> IO[bytes]:
        """The file, or one `below` the folder, for reading bytes."""
        path = f"{self.path}/{below}" if below else self.path
        if self.filesystem is None:
            return Path(path).open("rb")
        opened: IO[bytes] = self.filesystem.open(path, "rb")
        return opened

    def is_folder(self, below: str = "") -> bool:
        """Whether it, or what is `below` it, is a folder."""
        path = f"{self.path}/{below}" if below else self.path
        return Path(path).is_dir() if self.filesystem is None else bool(self.filesystem.isdir(path))

    def files(self) -> list[str]:
        """Parquet files of the folder, by their sorted names below it; hidden ones are left out."""
        if self.filesystem is None:
            found = [path.relative_to(self.path).as_posix() for path in Path(self.path).rglob("*.parquet")]
        else:
            start = len(self.path.rstrip("/")) + 1
            found = [path[start:] for path in self.filesystem.find(self.path) if path.endswith(".parquet")]
        return sorted(name for name in found if not any(part.startswith((".", "_")) for part in name.split("/")))


def locate(root: Path, source: str) -> Located:
    """What a data source names: a path, relative to `root` or absolute, or an address such as s3://bucket/table.

    FactoryError when nothing is there; UsageProblem when a package is missing that reads such addresses.
    """
    if "://" not in source:
        found = Located(source, str(root / Path(source).expanduser()))
        there = bool(source) and _stored_here(source, Path(found.path))
    else:
        found = _remote(source)
        with _one_line(source):
            there = bool(found.filesystem.exists(found.path))
    if not there:
        raise FactoryError(
            f"{found.name} is missing: say where the data lies (data_source in factory.yaml; INPUT= of make score)"
        )
    return found


def _stored_here(source: str, path: Path) -> bool:
    """Whether there is a file or a folder; FactoryError for what can be read only once, such as a pipe."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise FactoryError(f"{source} is neither a file nor a folder: save the table as a file and name that")
    return path.exists()


def digest(located: Located, given_up: threading.Event | None = None) -> str:
    """SHA-256 of what is there: of a file its bytes, of a folder names and bytes, of Delta its newest version's parts.

    FactoryError when it cannot be read, or when it is `given_up` meanwhile.
    """
    total = hashlib.sha256()
    with _one_line(located.name):
        if _is_delta(located):
            parts = _delta(located).get_add_actions(flatten=True)
            for path, size in sorted(zip(parts["path"].to_pylist(), parts["size_bytes"].to_pylist(), strict=True)):
                total.update(f"{path} {size}\n".encode())
            return total.hexdigest()
        for below in located.files() if located.is_folder() else [""]:
            total.update(f"{below}\n".encode() if below else b"")
            with located.open(below) as stream:
                while part := stream.read(_CHUNK_BYTES):
                    if given_up is not None and given_up.is_set():
                        raise FactoryError(f"{located.name} was not read to its end")
                    total.update(part)
    return total.hexdigest()


def reading(read: ReadSettings | None) -> str:
    """SHA-256 of what decides, beside the bytes of a table, which values are read from it."""
    meant = [RULES, read and read.model_dump(mode="json", exclude_defaults=True)]
    return hashlib.sha256(json.dumps(meant).encode()).hexdigest()


def detect(located: Located, encoding: str | None = None) -> ReadSettings:
    """How the table is written; FactoryError when it is empty or in no format that is read here.

    `encoding` is that of a text table, where it is known.
    """
    with _one_line(located.name):
        if _is_delta(located):
            return ReadSettings(format="delta")
        if located.is_folder():
            if not located.files():
                raise FactoryError(f"{located.name} holds no Parquet file and is no Delta table: name the table itself")
            return ReadSettings(format="parquet")
        with located.open() as stream:
            head = stream.read(4)
        if head == b"PAR1":
            return ReadSettings(format="parquet")
        for start, other in _OTHER.items():
            if head.startswith(start):
                raise FactoryError(f"{located.name} is {other}: save the table as CSV or Parquet")
        return csv_text.detect(located.name, located.open, encoding)


def batches(
    located: Located,
    read: ReadSettings,
    kinds: Mapping[str, str] | None = None,
    rows: int = BATCH_ROWS,
    without: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """The table in batches of at most `rows` rows, in its order, never all of it in memory.

    Columns in `kinds` come as that kind (`kinds.arrow_type`), so texts keep their leading zeros; others as they are
    stored, in a text file as texts; those in `without` are left out, and pandas' index
    without a name, unless it is declared. FactoryError in one line, never with a value, for what is corrupt, holds no
    rows or does not fit a kind.
    """
    declared = {column: kind for column, kind in (kinds or {}).items() if column not in without}
    with _one_line(located.name):
        if read.format == "csv":
            found = csv_text.batches(located.name, located.open, read, declared, without)
        else:
            found = (_typed(located.name, batch, declared, without) for batch in _stored(located, read.format, rows))
        empty = True
        for batch in found:
            for start in range(0, batch.num_rows, rows):
                empty = False
                yield batch.slice(start, rows)
    if empty:
        raise FactoryError(f"{located.name} has no rows: put the data there, then run again")


def read(
    located: Located, settings: ReadSettings | None = None, kinds: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The whole table as a frame; see `batches`. How it is written is found out when `settings` do not say."""
    import pyarrow as pa

    found = list(batches(located, settings or detect(located), kinds))
    frame: pd.DataFrame = pa.Table.from_batches(found).to_pandas()
    return frame


def _remote(source: str) -> Located:
    """An address by fsspec; a user and a password in it are not shown."""
    import fsspec

    scheme, _, rest = source.partition("://")
    name = f"{scheme}://{rest.rpartition('@')[2]}"
    try:
        filesystem, path = fsspec.core.url_to_fs(source)
    except ImportError as error:
        package = str(error).partition("\n")[0]
        raise UsageProblem(f"{name} cannot be read: {package}") from None
    except ValueError:
        raise UsageProblem(
            f"{name}: {scheme}:// is no address that is read here; use file, s3, abfs or https"
        ) from None
    except Exception as error:
        raise FactoryError(f"{name} cannot be reached ({type(error).__name__}): check address and rights") from None
    return Located(name, path, filesystem)


def _is_delta(located: Located) -> bool:
    return located.is_folder("_delta_log")


def _delta(located: Located) -> Any:
    from deltalake import DeltaTable

    return DeltaTable(located.path if located.filesystem is None else located.filesystem.unstrip_protocol(located.path))


def _own_files(located: Located) -> Any:
    """Arrow's own reading of local files: threads that read through Python can abort a process that ends meanwhile."""
    from pyarrow import fs

    if located.filesystem is not None:
        return None
    return fs.SubTreeFileSystem(str(Path(located.path).absolute()), fs.LocalFileSystem())


def _stored(located: Located, kind: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Batches of a Parquet file, of a folder's files in the order of their names, or of a Delta table."""
    if kind == "delta":
        yield from _delta(located).to_pyarrow_dataset(filesystem=_own_files(located)).to_batches(batch_size=rows)
        return
    from pyarrow import parquet

    for below in located.files() if located.is_folder() else [""]:
        with located.open(below) as stream:
            yield from parquet.ParquetFile(stream).iter_batches(batch_size=rows)


def _typed(name: str, batch: pa.RecordBatch, kinds: Mapping[str, str], without: Collection[str]) -> pa.RecordBatch:
    import pyarrow as pa

    made = {}
    for column, values in zip(column_names.unique(name, batch.schema.names), batch.columns, strict=True):
        if column in without or (column not in kinds and _NAMELESS_INDEX.fullmatch(column)):
            continue
        try:
            plain = kinds_of.plain(values)
            made[column] = kinds_of.to_kind(plain, kinds[column]) if column in kinds else plain
        except kinds_of.Unfit as problem:
            raise FactoryError(f"{name}: column {column} {problem}") from None
    return pa.RecordBatch.from_pydict(made)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """What file systems and readers raise, as one line that repeats no value."""
    import pyarrow as pa

    try:
        yield
    except FactoryError:
        raise
    except OSError as error:
        reason = error.strerror or "the file is corrupt or not of its format"
        raise FactoryError(f"{name} cannot be read: {reason}; put the data there, then run again") from None
    except (pa.ArrowException, ValueError):
        raise FactoryError(f"{name} is corrupt, or not of its format: put the data there again") from None
    except Exception as error:
        from deltalake.exceptions import DeltaError

        if isinstance(error, DeltaError):
            raise FactoryError(f"{name} is a damaged Delta table: put the data there again") from None
        if not type(error).__module__.startswith(("fsspec", "s3fs", "botocore", "adlfs", "azure", "aiohttp")):
            raise
        raise FactoryError(
            f"{name} cannot be read ({type(error).__name__}): check the address and your rights"
        ) from None
