"""Files of the prediction log: one that is written to, those that are closed, and who may touch them when.

A name holds the sequence of its first line. Writers and whoever closes a file hold `capture.lock`; one that is closed
moves to `closed/` and is never written to again. Imports nothing heavy: the scoring service writes here.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

from aifactory_runtime import files

OLDER = "predictions.jsonl"
"""The one file of releases up to 0.2.0; a service that was rolled back to one of them still writes to it."""
SEQUENCE = b',"sequence":'
_LOCK = "capture.lock"
_CLOSED = "closed"
_NAME = re.compile(r"predictions-(\d{15})\.jsonl")


class Segments:
    """The files in the folder `capture_uri` of a contract."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closed = folder / _CLOSED

    def locked(self) -> AbstractContextManager[None]:
        """Whoever writes to the log, or changes which file it is, holds this; waits for the one who does."""
        return files.waiting_lock(self.folder / _LOCK)

    def active(self) -> Path | None:
        """The file that is written to; None before the first, and while one is being closed."""
        return _last(self.folder)

    def closed(self) -> list[Path]:
        """Files that nobody writes to any more, oldest first."""
        return _listed(self._closed)

    def begin(self) -> Path:
        """Make the file to write to. Call it under `locked`, when there is none."""
        last = _last(self._closed)
        path = self.folder / f"predictions-{1 if last is None else last_sequence(last) + 1:015d}.jsonl"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        files.sync_folder(self.folder)
        return path

    def close(self, path: Path) -> None:
        """Nobody writes to the file from here on, and another one is there. Call it under `locked`.

        Killed between the two, the next writer begins the other one, as the sequence is known from the closed file.
        """
        self._closed.mkdir(exist_ok=True)
        path.rename(self._closed / path.name)
        files.sync_folder(self._closed)
        files.sync_folder(self.folder)
        self.begin()

    def close_active(self) -> None:
        """Close the file that is written to, unless it is empty; a half line of a killed writer is cut off."""
        if not self.folder.is_dir():
            return
        with self.locked():
            active = self.active()
            if active is None:
                if self.closed():  # whoever closed it was killed: until there is another, no closed one may go
                    self.begin()
            elif size(active):
                self.close(active)


def first_sequence(path: Path) -> int:
    """Sequence of a file's first line, by its name."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise ValueError(f"{path.name} is no file of the prediction log")
    return int(found[1])


def last_sequence(path: Path) -> int:
    """Sequence of a file's last whole line; one less than its first when it has none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = files.after_last_newline(descriptor, os.fstat(descriptor).st_size)
        last = files.last_line(descriptor, end)
    finally:
        os.close(descriptor)
    return int(files.parse_json(last)["sequence"]) if last else first_sequence(path) - 1


def size(path: Path) -> int:
    """Bytes of a file whose torn last line, of a killed writer, is cut off. Call it under `locked`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return files.cut_torn_line(descriptor)
    finally:
        os.close(descriptor)


def _listed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _last(folder: Path) -> Path | None:
    return next(reversed(_listed(folder)), None)
