"""What there is in the emulated cloud: a JSON file a resource, to be read, changed and removed by people, too."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.providers.protocol.failure import Failure

_LONGEST = 240
"""Bytes of a file's name, below what file systems take."""


@dataclass(frozen=True)
class Thing:
    """One resource: `inputs` as applied or as somebody changed them since, `outputs` as the cloud set them."""

    token: str
    scope: str
    key: str
    """What nobody else in the scope may have; the file's name."""
    id: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    deleted: str | None = None
    """When it was deleted, while its name is not free yet."""


class World:
    """The things below a folder. Several processes may work in it: each thing is written whole, or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, token: str, scope: str, key: str) -> Thing | None:
        """The thing of this key; None when it is not there or deleted."""
        found = self._read(self._path(token, scope, key))
        return None if found is None or found.deleted else found

    def make(self, thing: Thing) -> None:
        """Failure when the key is taken, by one that was deleted too."""
        path = self._path(thing.token, thing.scope, thing.key)
        part = self._written(path, thing)
        try:
            os.link(part, path)
        except FileExistsError:
            raise Failure(self._taken(path, thing)) from None
        finally:
            part.unlink()

    def change(self, thing: Thing) -> None:
        """Write it anew; Failure when it is gone."""
        path = self._path(thing.token, thing.scope, thing.key)
        if not path.exists():
            raise Failure(f"NotFound: {thing.token} {thing.id} is gone: run the command again, it looks first")
        self._written(path, thing).replace(path)

    def remove(self, thing: Thing, *, soft: bool) -> None:
        """Take it away; `soft` keeps its name taken."""
        path = self._path(thing.token, thing.scope, thing.key)
        if soft:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._written(path, Thing(**{**asdict(thing), "deleted": now})).replace(path)
        else:
            path.unlink(missing_ok=True)

    def things(self) -> list[Thing]:
        """All that there are, by file."""
        found = (self._read(path) for path in sorted(self.folder.glob("*/*/*.json")))
        return [thing for thing in found if thing is not None and not thing.deleted]

    def _path(self, token: str, scope: str, key: str) -> Path:
        name = key.replace("%", "%25").replace("/", "%2F")
        return self.folder / scope / token.replace(":", ".") / f"{name[:_LONGEST]}.json"

    def _read(self, path: Path) -> Thing | None:
        try:
            return Thing(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise Failure(f"{path} is damaged ({error}): mend it, or remove it as if the resource were gone") from None

    def _written(self, path: Path, thing: Thing) -> Path:
        """A file beside the place, complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{os.getpid()}.{threading.get_ident()}.part")
        part.write_text(json.dumps(asdict(thing), indent=1, sort_keys=True), encoding="utf-8")
        return part

    def _taken(self, path: Path, thing: Thing) -> str:
        other = self._read(path)
        if other is not None and other.deleted:
            return (
                f"{thing.token} {thing.key} was deleted {other.deleted} and its name is not free yet: "
                f"choose another, or remove {path} as if it were purged"
            )
        owner = other.urn if other else "somebody"
        return (
            f"AlreadyExists: {thing.token} {thing.key} belongs to {owner}: choose another name, or destroy that first"
        )
