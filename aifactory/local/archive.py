"""The file of a backup: a compressed tar of plain files, and a list of contents with digests as its last member."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from aifactory_runtime.errors import FactoryError

FORMAT = 1
_CONTENTS = "contents.json"
_FILES = "home/"
_BLOCK = 1 << 20
_PRIVATE = 0o700
_MOST_CONTENTS = 256 * 2**20


@dataclass(frozen=True)
class Places:
    """Absolute paths that stand in files of a home, so that a restore elsewhere can put its own in their place."""

    home: str
    servers: str
    infra: str
    socket: str


@dataclass(frozen=True)
class File:
    """A file of a backup."""

    sha256: str
    size: int
    mode: int


@dataclass
class Contents:
    """What a backup holds. Paths are relative to the home."""

    made: str
    """UTC, ISO 8601."""
    tool: str
    places: Places
    format: int = FORMAT
    folders: dict[str, int] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


class Writer:
    """Adds files to a backup; each is read once, up to a size fixed when it is opened, so that it may still grow."""

    def __init__(self, tar: tarfile.TarFile, contents: Contents) -> None:
        self._tar = tar
        self.contents = contents

    def add(self, name: str, source: BinaryIO, size: int, mode: int) -> None:
        """Add `size` bytes of `source` as the file `name`."""
        entry = tarfile.TarInfo(_FILES + name)
        entry.size, entry.mode = size, mode
        reader = _Hashing(source)
        self._tar.addfile(entry, reader)
        self.contents.files[name] = File(reader.digest.hexdigest(), size, mode)

    def finish(self) -> None:
        """Add the list of contents."""
        text = json.dumps(asdict(self.contents), indent=1).encode()
        entry = tarfile.TarInfo(_CONTENTS)
        entry.size, entry.mode = len(text), 0o600
        self._tar.addfile(entry, io.BytesIO(text))


@contextmanager
def writing(path: Path, contents: Contents, scratch: Path) -> Iterator[Writer]:
    """A backup at `path` (0600) that appears there complete or not at all; FactoryError when the disk takes no more.

    It is written in the folder `scratch`, on the same disk.
    """
    part = scratch / "backup"
    try:
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar,
        ):
            writer = Writer(tar, contents)
            yield writer
            writer.finish()
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        raise FactoryError(f"{path} cannot be written ({error.strerror or error}): nothing was backed up") from None


def unpack(path: Path, target: Path) -> Contents:
    """Unpack the backup at `path` into the new folder `target`, every file checked against its digest.

    FactoryError when it is no backup, of a newer format, incomplete or changed; `target` is then incomplete.
    """
    found: dict[str, str] = {}
    contents: Contents | None = None
    try:
        with tarfile.open(path, mode="r:gz") as tar:
            for entry in tar:
                stream = tar.extractfile(entry) if entry.isfile() else None
                if stream is None:
                    raise FactoryError(f"{path} holds {entry.name}, which is no plain file: this is not our backup")
                if entry.name == _CONTENTS:
                    contents = _contents(path, stream.read(_MOST_CONTENTS))
                else:
                    name = _inside(path, entry.name)
                    found[name] = _write(target / name, stream)
    except FileNotFoundError:
        raise FactoryError(f"{path} is not there: name the file that factory backup wrote") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise FactoryError(f"{path} cannot be read whole ({_reason(error)}): take another backup") from None
    _compare(path, contents, found)
    if contents is None:
        raise FactoryError(f"{path} is not a backup of the factory, or only a part of one")
    return contents


def _contents(path: Path, text: bytes) -> Contents:
    from pydantic import TypeAdapter
    from pydantic_core import from_json

    try:
        loaded = from_json(text)
        if loaded["format"] != FORMAT:
            raise FactoryError(f"{path} has format {loaded['format']}: restore it with the factory that wrote it")
        return TypeAdapter(Contents).validate_python(loaded)
    except (ValueError, TypeError, KeyError):
        raise FactoryError(f"{path} is not a backup of the factory: its list of contents is damaged") from None


def _inside(path: Path, name: str) -> str:
    relative = PurePosixPath(name.removeprefix(_FILES))
    if not name.startswith(_FILES) or relative.is_absolute() or ".." in relative.parts:
        raise FactoryError(f"{path} holds {name}, which leads out of the home: do not trust it")
    return str(relative)


def _write(target: Path, stream: Any) -> str:
    """Write one file, private for now; its digest."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while block := stream.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _compare(path: Path, contents: Contents | None, found: dict[str, str]) -> None:
    expected = {name: entry.sha256 for name, entry in contents.files.items()} if contents else {}
    if contents is not None and found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise FactoryError(f"{path} was changed after it was made: {wrong[0]} and {len(wrong) - 1} more do not fit")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class _Hashing(io.RawIOBase):
    """Reads on and keeps the digest of what was read."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self.digest.update(block)
        return block
