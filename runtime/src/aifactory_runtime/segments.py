"""A log in segments: files of lines, each named after the sequence of its first line; the newest alone is written to.

Sequences grow by one a line, whoever writes and whatever the clock does. Whoever writes, or begins a new segment, holds
the log's lock. A segment that is not the newest is never written to again: it may be taken away, and the sequences go
on. Imports nothing heavy: the scoring service writes here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime import files


@dataclass(frozen=True)
class Form:
    """What differs between logs."""

    name: str
    """Segments are `<name>-<first sequence>.jsonl`."""
    digits: int
    """Of the sequence in a name."""
    lock: str
    """Name of the lock file in the log's folder."""
    sequence: Callable[[bytes], int]
    """Sequence of a whole line; ValueError when the line is damaged."""
    last_of_damaged: Callable[[Path, int], int] | None = None
    """Last sequence of a segment, whose first one is given, when its last line is damaged; None refuses such a log."""


class Segments:
    """The segments of one form in a folder; from `most_bytes` on the newest is followed by another one."""

    def __init__(self, folder: Path, form: Form, most_bytes: int) -> None:
        self.folder = folder
        self._form = form
        self._most = most_bytes
        self._name = re.compile(rf"{re.escape(form.name)}-([0-9]{{{form.digits}}})\.jsonl")

    def locked(self) -> AbstractContextManager[None]:
        """Whoever writes to the log, or begins a segment, holds this; waits for the one who does."""
        return files.waiting_lock(self.folder / self._form.lock)

    def all(self) -> list[Path]:
        """Segments, oldest first; none when the folder is absent. OSError when that is not known."""
        return [self.folder / name for name in self._names()]

    def newest(self) -> Path | None:
        """The segment that is written to; None before the first."""
        names = self._names()
        return self.folder / names[-1] if names else None

    def closed(self) -> list[Path]:
        """Segments that nobody writes to any more, oldest first."""
        return self.all()[:-1]

    def first(self, path: Path) -> int:
        """Sequence of a segment's first line, by its name; ValueError for what is no segment of this log."""
        found = self._name.fullmatch(path.name)
        if found is None:
            raise ValueError(f"{path.name} is no segment of {self._form.name}")
        return int(found[1])

    def last(self, path: Path) -> int:
        """Sequence of a segment's last whole line; one less than its first when it has none.

        ValueError when that line is damaged and the form does not say what to do then.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = files.after_last_newline(descriptor, os.fstat(descriptor).st_size)
            line = files.last_line(descriptor, end)
        finally:
            os.close(descriptor)
        if not line:
            return self.first(path) - 1
        try:
            return self._form.sequence(line)
        except ValueError:
            if self._form.last_of_damaged is None:
                raise
            return self._form.last_of_damaged(path, self.first(path))

    def begin(self, first: int) -> Path:
        """Make the segment whose first line will be `first`, its name on disk. Call it under `locked`."""
        path = self.folder / f"{self._form.name}-{first:0{self._form.digits}d}.jsonl"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        files.sync_folder(self.folder)
        return path

    def to_write(self) -> Path:
        """The segment that the next line belongs to, made when it is not there. Call it under `locked`."""
        newest = self.newest()
        if newest is None:
            return self.begin(1)
        if newest.stat().st_size < self._most:
            return newest
        with suppress(OSError):  # the full one goes on, rather than that nothing is recorded
            self._follow(newest)
        return self.newest() or newest

    def close_newest(self) -> None:
        """Nobody writes to what is there from here on, as another segment follows; an empty one stays the newest."""
        if not self.folder.is_dir():
            return
        with self.locked():
            newest = self.newest()
            if newest is not None and newest.stat().st_size:
                self._follow(newest)

    def _names(self) -> list[str]:
        return [name for name in files.names(self.folder) if self._name.fullmatch(name)]

    def _follow(self, newest: Path) -> None:
        """Begin the next segment, after what a killed writer left of a line is cut off."""
        descriptor = os.open(newest, os.O_RDWR | os.O_CLOEXEC)
        try:
            files.cut_torn_line(descriptor)
        finally:
            os.close(descriptor)
        self.begin(self.last(newest) + 1)


class Writer:
    """Adds lines to a log that others write to as well; it keeps the newest segment open until `close`."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._descriptor = -1
        self._size = -1
        self._last = 0

    def append(self, lines: Callable[[int], bytes], count: int = 1) -> int:
        """Write the `count` lines that `lines` makes for their first sequence, which is returned once they are on disk.

        What a killed writer left of a line is cut off first: nobody was told that it was written. OSError, with the log
        as before, when the disk does not take them; ValueError where the log is damaged, as `Segments.last` says.
        """
        with self._segments.locked():
            self._open(self._segments.to_write())
            first = self._last + 1
            self._size = files.append(self._descriptor, lines(first))
            self._last += count
        return first

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self, path: Path) -> None:
        """Have `path` open, and know its size and last sequence: others may have written, or left half a line."""
        if not self._is_open(path):
            self.close()
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            self._size = -1
        if os.fstat(self._descriptor).st_size != self._size:
            size = files.cut_torn_line(self._descriptor)
            self._last = self._segments.last(path)
            self._size = size

    def _is_open(self, path: Path) -> bool:
        """Whether what is open is what lies there: another segment may have begun, or a backup have been restored."""
        if self._descriptor < 0:
            return False
        there, ours = path.stat(), os.fstat(self._descriptor)
        return (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev)
