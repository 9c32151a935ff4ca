"""A table that is there: its files by name, opened and unpacked, and the format that they have."""

from __future__ import annotations

import codecs
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from aifactory_runtime.data import file_formats, folders
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 1 << 20


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

    def unpacked(self, below: str = "") -> IO[bytes]:
        """As `open`; of a file packed with gzip what is in it."""
        with self.open(below) as stream:
            packed = stream.read(len(file_formats.GZIP)) == file_formats.GZIP
        return cast("IO[bytes]", _Unpacked(self.open(below))) if packed else self.open(below)

    def files(self) -> list[str]:
        """Files that make the table, by their sorted names below the folder; "" is the file itself."""
        return self._table_files()[1] if self.is_folder() else [""]

    def format(self) -> file_formats.Format:
        """The format of its files. FactoryError when it is one that is not read here, or they differ in it."""
        kind, files, _ = self._table_files() if self.is_folder() else ("", [""], [])
        found = self.format_of(files[0])
        if kind not in {"", found}:
            raise FactoryError(f"{self.part(files[0])} is not of the format that its ending says: rename or mend it")
        return found

    def not_read(self) -> list[str]:
        """Files of the folder that are no part of a table, beside those that tools write for themselves."""
        return [folders.shown(below) for below in self._table_files()[2]] if self.is_folder() else []

    def format_of(self, below: str) -> file_formats.Format:
        """The format of one file, by its first bytes."""
        with self.unpacked(below) as stream:
            head = stream.read(len(file_formats.PARQUET))
            if head != file_formats.PARQUET:  # whose parts may be many, and far away
                head += stream.read(file_formats.HEAD_BYTES)
            return file_formats.find(self.part(below), head)

    def joined(self) -> IO[bytes]:
        """All files of a table in text as one: a first line that is the first file's own is there once."""
        files = self.files()
        if len(files) == 1:
            return self.unpacked(files[0])
        return io.BufferedReader(_Joined(self, files))

    def part(self, below: str) -> str:
        """The name of a part, for messages."""
        return f"{self.name}/{folders.shown(below)}" if below else self.name

    def _table_files(self) -> tuple[str, list[str], list[str]]:
        if self.filesystem is None:
            found = [path.relative_to(self.path).as_posix() for path in Path(self.path).rglob("*") if path.is_file()]
        else:
            start = len(self.path.rstrip("/")) + 1
            found = [path[start:] for path in self.filesystem.find(self.path)]
        return folders.table_files(self.name, found)


class _Unpacked(gzip.GzipFile):
    """What is in a file packed with gzip; the file is closed with it."""

    def __init__(self, packed: IO[bytes]) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


class _Joined(io.RawIOBase):
    """Files one after another, each ended by a line break."""

    _left: list[str]
    _stream: IO[bytes] | None
    _first: bytes | None
    _last: bytes
    _ready: bytes
    _place: int

    def __init__(self, located: Located, files: list[str]) -> None:
        self._located, self._files = located, files
        self._rewind()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Forwards by reading on, backwards by reading again."""
        if whence == io.SEEK_END:
            while self.read(_CHUNK_BYTES):
                pass
        target = offset + (0 if whence == io.SEEK_SET else self._place)
        if target < self._place:
            self._rewind()
        while self._place < target and self.read(min(_CHUNK_BYTES, target - self._place)):
            pass
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        place = memoryview(buffer).cast("B")
        while not self._ready:
            if self._stream is None:
                if not self._left:
                    return 0
                self._next()
                continue
            self._ready = self._stream.read(len(place))
            if not self._ready:
                self._stream.close()
                self._stream = None
        part, self._ready = self._ready[: len(place)], self._ready[len(place) :]
        place[: len(part)] = part
        self._last = part[-1:]
        self._place += len(part)
        return len(part)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        super().close()

    def _rewind(self) -> None:
        self._left = list(self._files)
        self._stream = self._first = None
        self._last = self._ready = b""
        self._place = 0

    def _next(self) -> None:
        self._stream = self._located.unpacked(self._left.pop(0))
        first = self._stream.readline()
        if self._first is None:
            self._first, self._ready = first, first
            return
        again = first.removeprefix(codecs.BOM_UTF8).strip() == self._first.removeprefix(codecs.BOM_UTF8).strip()
        self._ready = (b"" if self._last in {b"", b"\n"} else b"\n") + (b"" if again else first)
