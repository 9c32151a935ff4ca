"""What every store does, whatever keeps its objects, and how it says no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from aifactory_runtime.errors import FactoryError


class Missing(FactoryError):
    """There is no object under that key."""


class Exists(FactoryError):
    """There is an object under that key already: the one that is there stays."""


class Changed(FactoryError):
    """The object is no longer the version that was read: what is there stays."""


class Denied(FactoryError):
    """The login lacks a right there."""


class NoBucket(FactoryError):
    """There is no bucket or container of that name, which says nothing of what was in it."""


@dataclass(frozen=True)
class Object:
    """What is under a key, and what the store calls this state of it; equal content may have an equal version."""

    content: bytes
    version: str


@dataclass(frozen=True)
class Entry:
    """An object without its content: bytes, and when it was last written by the store's clock."""

    key: str
    size: int
    modified: datetime


class Store(Protocol):
    """Objects under keys: relative, with "/" between parts. FactoryError in one line where the store does not serve."""

    def read(self, key: str) -> Object:
        """What is there; Missing when there is nothing."""

    def put(self, key: str, content: bytes) -> str:
        """Write whole or not at all, whatever was there; the new version. It outlives a crash once this returns."""

    def create(self, key: str, content: bytes) -> str:
        """Write where nothing is, the version; Exists when something is. Of many who try at once one succeeds."""

    def replace(self, key: str, content: bytes, version: str) -> str:
        """Write where that version still is, the new one; Changed when it is another, or gone."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """All objects whose key begins with these letters, sorted by key."""

    def delete(self, key: str) -> None:
        """Remove an object; no error when there is none."""

    def download(self, prefix: str, folder: Path) -> None:
        """Write what lies below a prefix into a folder, which is made; Missing when nothing does."""

    def upload(self, folder: Path, prefix: str) -> None:
        """Put all files of a folder below a prefix."""

    def below(self, prefix: str) -> Store:
        """What lies below a prefix, as a store of its own."""
