"""Reads the data source: text, JSON lines, Parquet or Delta, a path or an address; or says in a line what is wrong."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import csv_text, delta_source, table_parts, text_encoding
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Piece, Reader, Split, Wanted
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

RULES = 2
"""Version of the rules by which cells become values: another one reads the same bytes again."""
BATCH_ROWS = 65_536
_CHUNK_BYTES = 1 << 20
_log = logging.getLogger(__name__)


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
            f"{found.name} is missing: say where the data lies "
            "(--data of factory new, data_source in factory.yaml, INPUT= of make score)"
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
            for line in delta_source.digest_lines(delta_source.open_table(located.name, _address(located))):
                total.update(line.encode())
            return total.hexdigest()
        for below in located.files():
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
        if others := located.not_read():
            _log.warning("%s: not read, as no part of a table: %s", located.name, ", ".join(others))
        if (kind := located.format()) != "csv":
            return ReadSettings(format=kind)
        _check_letters(located)
        return csv_text.detect(located.name, located.joined, encoding)


def _check_letters(located: Located) -> None:
    """FactoryError when some files of a folder are UTF-8 and others are not: letters would be read wrong."""
    files = located.files()
    if len(files) == 1:
        return
    openers = {below: functools.partial(located.unpacked, below) for below in files}
    lettered = [below for below, opener in openers.items() if not text_encoding.decodes(opener, "ascii")]
    utf8 = [below for below in lettered if text_encoding.decodes(openers[below], "utf-8")]
    if 0 < len(utf8) < len(lettered):
        raise FactoryError(f"{located.part(utf8[0])} is UTF-8, other files of the folder are not: save them alike")


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
    table, notes, empty = split(located, read, kinds, rows, without), Notes(), True
    for piece in table.pieces:
        for batch in table.reader.batches(piece, notes):
            empty = False
            yield batch
    if empty:
        raise no_rows(located)
    notes.say()


def no_rows(located: Located) -> FactoryError:
    """What is said of a table without rows."""
    return FactoryError(f"{located.name} has no rows: put the data there, then run again")


def split(
    located: Located,
    read: ReadSettings,
    kinds: Mapping[str, str] | None = None,
    rows: int = BATCH_ROWS,
    without: Collection[str] = (),
) -> Split:
    """The table in pieces that processes read each on their own; for the rest see `batches`."""
    declared = {column: kind for column, kind in (kinds or {}).items() if column not in without}
    wanted = Wanted(declared, rows, frozenset(without))
    with _one_line(located.name):
        found: str = "delta" if _is_delta(located) else located.format()
        if "format" in read.model_fields_set and read.format != found:
            raise FactoryError(f"{located.name} is {found}, not {read.format}: say so in conf, at data.read.format")
        if found == "delta":
            table = delta_source.split(located.name, _address(located), _own_files(located), wanted)
        else:
            table = table_parts.split(located, read, wanted)
        return replace(table, reader=_Plain(located.name, rows, table.reader))


@dataclass(frozen=True)
class _Plain:
    """Another reader, in batches of at most `rows` rows, what it raises in a line; see `pieces.Reader`."""

    name: str
    rows: int
    reader: Reader

    def batches(self, piece: Piece, notes: Notes) -> Iterator[pa.RecordBatch]:
        """See `pieces.Reader`."""
        with _one_line(self.name):
            for batch in self.reader.batches(piece, notes):
                for start in range(0, batch.num_rows, self.rows):
                    yield batch.slice(start, self.rows)

    def count(self, piece: Piece) -> int:
        """See `pieces.Reader`."""
        with _one_line(self.name):
            return self.reader.count(piece)


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


def _address(located: Located) -> str:
    """As Delta's own reader takes it."""
    if located.filesystem is None:
        return located.path
    return str(located.filesystem.unstrip_protocol(located.path))


def _own_files(located: Located) -> Any:
    """Arrow's own reading of local files: threads that read through Python can abort a process that ends meanwhile."""
    from pyarrow import fs

    if located.filesystem is not None:
        return None
    return fs.SubTreeFileSystem(str(Path(located.path).absolute()), fs.LocalFileSystem())


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
    except (pa.ArrowException, ValueError, EOFError, zlib.error):
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
