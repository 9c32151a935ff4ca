"""The record of what was removed from an environment: when, by whom, by which rule. Written before anything goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage.place import Place, Remote

FILE = "removals.jsonl"
"""Beside the tables: who finds something missing there looks here first."""
FOLDER = "removals"
"""In an object store, which appends nothing: there each note is an object of its own, `<time>-<id>.jsonl`."""

RUN, CODE, ENVIRONMENT, EVENTS = "run", "code", "environment", "events"
"""Kinds beside the names of tables: pipeline runs, released code by commit, its environments by lock, files of events.
"""
OTHER_SCORES = "other scores"
"""Files of what the model that did not answer said, in live tests."""
PREDICTION = "prediction"
"""By ids: those of a person whose records were erased."""


@dataclass(frozen=True)
class Removal:
    """What one rule took away: of a table its versions, days or batches, else names."""

    kind: str
    names: tuple[str, ...]
    rule: str
    by: str = ""
    time: datetime | None = None

    @property
    def when(self) -> str:
        """As the end of a sentence that begins with what was removed."""
        day = f"{self.time:%Y-%m-%d}" if self.time else "an unknown day"
        return f"was removed on {day} by {self.by}: {self.rule}"


def note(folder: Place, removals: Iterable[Removal], by: str, now: datetime | None = None) -> None:
    """Write down what is about to be removed; FactoryError, and then nothing may go, when the disk does not take it."""
    time = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    lines = [
        json.dumps({"time": time, "by": by, "kind": one.kind, "names": one.names, "rule": one.rule}).encode() + b"\n"
        for one in removals
    ]
    if not lines:
        return
    if isinstance(folder, Remote):
        key = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid4().hex[:8]}.jsonl"
        (folder / FOLDER).store.create(key, b"".join(lines))
        return
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.waiting_lock(path), path.open("a+b", buffering=0) as file:
            files.cut_torn_line(file.fileno())
            files.append(file.fileno(), b"".join(lines))
        files.sync_folder(folder)
    except OSError as error:
        raise FactoryError(f"{path} cannot be written ({error.strerror}): nothing is removed without it") from None


def find(folder: Place, kind: str, *names: str) -> Removal | None:
    """The last removal of this kind that took one of `names`; None when nothing of them was removed."""
    wanted, found = set(names), None
    for removal in read(folder):
        if removal.kind == kind and wanted.intersection(removal.names):
            found = removal
    return found


def read(folder: Place) -> Iterator[Removal]:
    """Every removal, oldest first; FactoryError names a line that is damaged. A torn one was never acted upon."""
    if isinstance(folder, Remote):
        for note in (folder / FOLDER).iterdir():
            yield from _parsed(note, note.read_bytes())
        return
    path = folder / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    yield from _parsed(path, content)


def _parsed(path: Place, content: bytes) -> Iterator[Removal]:
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            found = files.parse_json(line)
            names = tuple(map(str, found["names"]))
            time = datetime.fromisoformat(found["time"])
            removal = Removal(str(found["kind"]), names, str(found["rule"]), str(found["by"]), time)
        except (ValueError, KeyError, TypeError):
            raise FactoryError(f"{path}: line {number} is damaged: restore the file from a backup") from None
        yield removal
