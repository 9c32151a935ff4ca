"""What release and service tell each other: serving.json one way, status/<pid>.json the other. Files, written whole."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

CHALLENGERS_REPORTS = "status-challenger"


class Served(msgspec.Struct, frozen=True):
    """A model that is to be served, and the code that it is served with; its training may have been another commit."""

    version: str
    sha256: str
    uri: str
    commit: str
    code_sha256: str
    science_sha256: str | None = None
    """What the model was trained with; None in releases from before there was a digest."""


class Trial(msgspec.Struct, frozen=True):
    """A live test that runs: how it was stated when it began. Times are in seconds."""

    id: str
    kind: Literal["shadow", "ab"]
    share: float
    """Of keys that the challenger answers; 0 for a shadow."""
    timeout: float
    errors: float
    latency: float


class Withdrawn(msgspec.Struct, frozen=True):
    """`withdrawn.json`: the service itself took the challenger of a test out."""

    test: str
    why: str
    time: str

    @classmethod
    def now(cls, test: str, why: str) -> Withdrawn:
        """At this moment."""
        return cls(test, why, datetime.now(UTC).isoformat(timespec="milliseconds"))


class Document(msgspec.Struct, frozen=True):
    """`serving.json`: what is to be served. Derived from the registry's aliases; `sequence` grows with each change."""

    sequence: int
    champion: Served | None
    challenger: Served | None = None
    shares: dict[str, float] = msgspec.field(default_factory=lambda: {"champion": 1.0})
    schema: Literal[1] = 1
    trial: Trial | None = None
    """Beside `challenger`: what that one is there for. Released code from before live tests does not read it."""


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
    reports: str = "status"
    """Folder of the workers' reports; that of the challenger's is `CHALLENGERS_REPORTS`."""

    @property
    def path(self) -> Path:
        """Where the document lies."""
        return self.root / "serving.json"

    @property
    def current(self) -> Path:
        """Link to the snapshot of the code that is to run."""
        return self.root / "current"

    @property
    def challenger(self) -> Path:
        """Link to the snapshot of the challenger's code, while a live test runs."""
        return self.root / "challenger"

    @property
    def withdrawal(self) -> Path:
        """Where the service says that it took a challenger out."""
        return self.root / "withdrawn.json"

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

    def withdraw_challenger(self, withdrawn: Withdrawn) -> None:
        """Say that the challenger is out, to all workers and to the next release."""
        files.write(self.withdrawal, msgspec.json.encode(withdrawn))

    def withdrawn(self) -> Withdrawn | None:
        """What the service said last; None when it never did, or the file is damaged."""
        try:
            return msgspec.json.decode(self.withdrawal.read_bytes(), type=Withdrawn)
        except (OSError, msgspec.MsgspecError, ValueError):
            return None

    def was_withdrawn(self, test: str) -> bool:
        """Whether the service took the challenger of this test out."""
        found = self.withdrawn()
        return found is not None and found.test == test

    def report(self, status: Status) -> None:
        """Say what this worker serves."""
        files.write(self._status_path(status.pid), msgspec.json.encode(status))

    def withdraw(self, pid: int) -> None:
        """Take the status of a worker that ends away."""
        self._status_path(pid).unlink(missing_ok=True)

    def statuses(self) -> list[Status]:
        """What the workers that are alive report; files of dead ones are ignored."""
        found = []
        for path in sorted((self.root / self.reports).glob("*.json")):
            with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError, ValueError):
                status = msgspec.json.decode(path.read_bytes(), type=Status)
                if _alive(status.pid):
                    found.append(status)
        return found

    def forget_the_dead(self) -> None:
        """Remove the status files of workers that were killed."""
        for path in (self.root / self.reports).glob("*.json"):
            if path.stem.isdigit() and not _alive(int(path.stem)):
                path.unlink(missing_ok=True)

    def _status_path(self, pid: int) -> Path:
        return self.root / self.reports / f"{pid}.json"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
