"""Adds lines to the prediction log, on disk when the call returns, shared by all workers of a service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.capture.segments import SEQUENCE, Segments, last_sequence

MOST_BYTES = 64 << 20
"""A file that holds so much is closed, so that what moves closed ones into the table has pieces of bounded size."""


class NotRecorded(Exception):
    """The disk did not take the lines; what was written of them is cut off again."""


class LogFile:
    """Append-only log of one JSON object a line.

    Lines come without their closing brace: the log adds `"sequence"`, which grows by one a line whatever the clock
    does. A torn last line was never acknowledged and is cut off by whoever writes next.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._segments = Segments(folder)
        self._most = most_bytes
        self._path: Path | None = None
        self._descriptor = -1
        self._size = -1
        self._sequence = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Write `lines` and return when they are on disk; NotRecorded, with the log as before, when they are not."""
        try:
            with self._segments.locked():
                path = self._open()
                self._catch_up(path)
                content = b"".join(
                    line + SEQUENCE + b"%d}\n" % number for number, line in enumerate(lines, start=self._sequence + 1)
                )
                self._size = files.append(self._descriptor, content)
                self._sequence += len(lines)
                if self._size >= self._most:
                    with suppress(OSError):  # the lines are on disk all the same; the next ones close it
                        self._segments.close(path)
        except OSError as error:
            raise NotRecorded(error.strerror) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> Path:
        """The file to write to, open: another one than before when that was closed meanwhile."""
        if self._path is None or not self._is_open(self._path):
            self.close()
            self._path = self._segments.active() or self._segments.begin()
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            self._size = -1
        return self._path

    def _is_open(self, path: Path) -> bool:
        """Whether what is open is still what lies there."""
        try:
            there = path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._descriptor)
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)

    def _catch_up(self, path: Path) -> None:
        """Learn size and sequence when another worker has written, or a killed one has left half a line."""
        if os.fstat(self._descriptor).st_size != self._size:
            self._size = files.cut_torn_line(self._descriptor)
            self._sequence = last_sequence(path)
