"""What release and service tell each other: serving.json one way, status/<pid>.json the other. Files, written whole."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError


class Served(msgspec.Struct, frozen=True):
    """A model that is to be served, and the code that it is served with; its training may have been another commit."""

    version: str
    sha256: str
    uri: str
    commit: str
    code_sha256: str
    science_sha256: str | None = None
    """What the model was trained with; None in releases from before there was a digest."""


class Document(msgspec.Struct, frozen=True):
    """`serving.json`: what is to be served. Derived from the registry's aliases; `sequence` grows with each change."""

    sequence: int
    champion: Served | None
    challenger: Served | None = None
    shares: dict[str, float] = msgspec.field(default_factory=lambda: {"champion": 1.0})
    schema: Literal[1] = 1


class Loaded(msgspec.Struct, frozen=True):
    """A model that a worker has in memory."""

    version: str
    sha256: str


class Status(msgspec.Struct, frozen=True):
    """`status/<pid>.json`: what one worker serves, and why it does not serve what it was told to."""

    pid: int
    sequence: int
    champion: Loaded | None
    ready: bool
    reason: str | None
    commit: str | None


@dataclass(frozen=True)
class ServingFolder:
    """The folder of one scoring service in one environment."""

    root: Path

    @property
    def path(self) -> Path:
        """Where the document lies."""
        return self.root / "serving.json"

    @property
    def current(self) -> Path:
        """Link to the snapshot of the code that is to run."""
        return self.root / "current"

    @property
    def models(self) -> Path:
        """The service's own copies of models, by digest."""
        return self.root / "models"

    def read(self) -> Document | None:
        """The document; None before the first release, FactoryError when it is not one."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Document)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, ValueError) as error:
            raise FactoryError(f"{self.path} is not a serving document ({error}): run release again") from None

    def known(self) -> Document | None:
        """The document for who writes it: a damaged one counts as none, because the registry's alias is the record."""
        try:
            return self.read()
        except FactoryError:
            return None

    def next_sequence(self) -> int:
        """More than any worker has seen, also when the document is damaged."""
        document = self.known()
        seen = [status.sequence for status in self.statuses()]
        return max([document.sequence if document else 0, *seen]) + 1

    def write(self, document: Document) -> None:
        """Put `document` in place of the one that is there, whole or not at all."""
        files.write(self.path, msgspec.json.format(msgspec.json.encode(document), indent=2))

    def report(self, status: Status) -> None:
        """Say what this worker serves."""
        files.write(self._status_path(status.pid), msgspec.json.encode(status))

    def withdraw(self, pid: int) -> None:
        """Take the status of a worker that ends away."""
        self._status_path(pid).unlink(missing_ok=True)

    def statuses(self) -> list[Status]:
        """What the workers that are alive report; files of dead ones are ignored."""
        found = []
        for path in sorted((self.root / "status").glob("*.json")):
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError, ValueError):
                status = msgspec.json.decode(path.read_bytes(), type=Status)
                if _alive(status.pid):
                    found.append(status)
        return found

    def forget_the_dead(self) -> None:
        """Remove the status files of workers that were killed."""
        for path in (self.root / "status").glob("*.json"):
            if path.stem.isdigit() and not _alive(int(path.stem)):
                path.unlink(missing_ok=True)

    def _status_path(self, pid: int) -> Path:
        return self.root / "status" / f"{pid}.json"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
