"""Where something of an environment lies: a folder or file of this machine, or an address in an object store.

A `Remote` has the part of `Path` that most of the runtime needs, so that one code reads both. What needs a real folder
asks for one by `local`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory_runtime.storage import Entry, Store

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")
_FILE = "file://"


@dataclass(frozen=True, order=True)
class Remote:
    """An address in an object store, as a folder or as an object; nothing is asked of the store until it is used."""

    address: str

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> Remote:
        return Remote(f"{self.address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> Remote:
        """The address without its last part."""
        return Remote(self.address.rstrip("/").rpartition("/")[0])

    @property
    def store(self) -> Store:
        """What lies below the address."""
        from aifactory_runtime.storage import open_store

        return open_store(self.address)

    def absolute(self) -> Remote:
        """The same: an address depends on no working folder."""
        return self

    def read_bytes(self) -> bytes:
        """The object's content; FileNotFoundError when there is none, as for a file."""
        from aifactory_runtime.storage import Missing

        try:
            return self.parent.store.read(self.name).content
        except Missing:
            raise FileNotFoundError(self.address) from None

    def read_text(self, encoding: str = "utf-8") -> str:
        """The object's content as text; FileNotFoundError when there is none."""
        return self.read_bytes().decode(encoding)

    def is_file(self) -> bool:
        """Whether there is an object."""
        return self.entry() is not None

    def is_dir(self) -> bool:
        """Whether there is an object below it."""
        return next(iter(self.store.list()), None) is not None

    def exists(self) -> bool:
        """Whether there is an object, or one below it."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[Remote]:
        """What lies directly below, by name; nothing when there is nothing."""
        yield from (self / name for name in sorted({entry.key.partition("/")[0] for entry in self.store.list()}))

    def unlink(self, *, missing_ok: bool = True) -> None:
        """Remove the object; `missing_ok` is there for those who pass it to a file."""
        del missing_ok
        self.parent.store.delete(self.name)

    def entry(self) -> Entry | None:
        """Size and time of the object, by the store's clock; None when there is none."""
        return next((found for found in self.parent.store.list(self.name) if found.key == self.name), None)


Place = Path | Remote


def at(address: str) -> Place:
    """What an address of the environment contract means; nothing is opened."""
    if address.startswith(_FILE):
        return Path(address.removeprefix(_FILE))
    return Remote(address) if _SCHEME.match(address) else Path(address)


def local(address: str, what: str) -> Path:
    """The folder that an address means; FactoryError, which names `what` needs one, for an address in a store."""
    found = at(address)
    if isinstance(found, Remote):
        raise FactoryError(f"{what} is kept in a folder of one machine, and {found} is none: not on this target yet")
    return found


def write(place: Place, content: str | bytes) -> None:
    """Put `content` there whole, or not at all; FactoryError when it cannot be."""
    if isinstance(place, Path):
        files.write(place, content)
    else:
        place.parent.store.put(place.name, content.encode() if isinstance(content, str) else content)


def remove(folder: Place) -> None:
    """Remove all that lies below a folder; no error when there is nothing."""
    if isinstance(folder, Path):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    else:
        for entry in list(folder.store.list()):
            folder.store.delete(entry.key)
