"""A folder of this machine as a store: written beside, synced, then renamed or linked to its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import keys
from aifactory_runtime.storage.port import Changed, Entry, Exists, Missing, Object


@dataclass(frozen=True)
class LocalStore:
    """Files below `root`, each of them an object; a version is the digest of the content.

    Writers of one folder take turns by a lock, which the system takes away from one that is killed. Where a file is,
    no folder can be: a key cannot be a part of another one.
    """

    root: Path

    def read(self, key: str) -> Object:
        """What is there; Missing when there is nothing."""
        try:
            content = self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise self._missing(key) from None
        except OSError as error:
            raise FactoryError(f"{self._path(key)} cannot be read ({error.strerror})") from None
        return Object(content, _version(content))

    def put(self, key: str, content: bytes) -> str:
        """Write whole or not at all; the new version."""
        with self._writing(key) as path:
            _written(path, content).replace(path)
        return _version(content)

    def create(self, key: str, content: bytes) -> str:
        """Write where nothing is; Exists when something is."""
        with self._writing(key) as path:
            if path.exists():
                raise Exists(f"{path} exists already")
            part = _written(path, content)
            try:
                os.link(part, path)
            except FileExistsError:
                raise Exists(f"{path} exists already") from None
            finally:
                part.unlink(missing_ok=True)
        return _version(content)

    def replace(self, key: str, content: bytes, version: str) -> str:
        """Write where that version still is; Changed when it is another, or gone."""
        with self._writing(key) as path:
            if not path.is_file() or _version(path.read_bytes()) != version:
                raise Changed(f"{path} was changed by somebody else: read it again")
            _written(path, content).replace(path)
        return _version(content)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """All objects whose key begins with these letters, sorted by key."""
        above = keys.folder(prefix.rpartition("/")[0])
        found = {key: path for key, path in self._files(above) if key.startswith(prefix)}
        for key in sorted(found):
            with suppress(FileNotFoundError):  # deleted meanwhile
                state = found[key].stat()
                yield Entry(key, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC))

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        if self._path(key).is_file():
            with self._writing(key) as path:
                path.unlink(missing_ok=True)

    def download(self, prefix: str, folder: Path) -> None:
        """Copy what lies below a prefix into a folder; Missing when nothing does."""
        below = self.below(prefix)
        entries = [entry.key for entry in below.list()]
        if not entries:
            raise self._missing(prefix)
        for key in entries:
            files.write(folder / key, below.read(key).content)

    def upload(self, folder: Path, prefix: str) -> None:
        """Put all files of a folder below a prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(keys.joined(keys.folder(prefix), path.relative_to(folder).as_posix()), path.read_bytes())

    def below(self, prefix: str) -> LocalStore:
        """What lies below a prefix, as a store of its own."""
        return LocalStore(self.root / keys.folder(prefix))

    def _path(self, key: str) -> Path:
        return self.root / keys.checked(key)

    def _missing(self, key: str) -> Missing:
        return Missing(f"{self.root / key} is not there")

    def _files(self, above: str) -> Iterator[tuple[str, Path]]:
        """Key and file of each object below a folder, in no order."""
        for folder, _, names in os.walk(self.root / above):
            for name in names:
                if name != keys.LOCK and not (name.startswith(".") and name.endswith(keys.PART)):
                    path = Path(folder, name)
                    yield path.relative_to(self.root).as_posix(), path

    @contextmanager
    def _writing(self, key: str) -> Iterator[Path]:
        """Be the only writer of the key's folder; what was done is on disk afterwards."""
        path = self._path(key)
        try:
            _make(path.parent)
            with files.waiting_lock(path.parent / keys.LOCK):
                yield path
                files.sync_folder(path.parent)
        except OSError as error:
            raise FactoryError(
                f"{path} cannot be written ({error.strerror}): see its place, rights and space"
            ) from None


def _written(path: Path, content: bytes) -> Path:
    """A file beside `path` with this content, on disk; what a killed writer left there is written over."""
    part = path.with_name(f".{path.name}{keys.PART}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def _make(folder: Path) -> None:
    """Make a folder and those above it, each name on disk before something is put there."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        files.sync_folder(folder.parent)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
