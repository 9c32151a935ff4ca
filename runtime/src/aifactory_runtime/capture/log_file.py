"""The prediction log: its segments, and what adds lines to it, on disk when the call returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.segments import Form, Segments, Writer

MOST_BYTES = 64 << 20
"""A segment that holds so much is closed, so that what moves closed ones into the table has pieces of bounded size."""
OLDER = "predictions.jsonl"
"""The one file of releases up to 0.2.0; a service that was rolled back to one of them still writes to it."""


class NotRecorded(Exception):
    """The disk did not take the lines, and what was written of them is cut off again; or the log is damaged."""


def segments(folder: Path, most_bytes: int = MOST_BYTES) -> Segments:
    """The log in the folder `capture_uri` of a contract. A damaged last line is refused: see `compaction`."""
    return Segments(folder, Form("predictions", 15, "capture.lock", sequence_of), most_bytes)


class LogFile:
    """Append-only log of one JSON object a line, shared by all workers of a service; `opened` says which log.

    Lines come without their closing brace: the log adds `"sequence"`.
    """

    def __init__(
        self, folder: Path, most_bytes: int = MOST_BYTES, opened: Callable[[Path, int], Segments] = segments
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._segments = opened(folder, most_bytes)
        self._writer = Writer(self._segments)

    def append(self, lines: Sequence[bytes]) -> None:
        """Write `lines` and return when they are on disk; NotRecorded, with the log as before, when they are not."""

        def numbered(first: int) -> bytes:
            return b"".join(b'%s,"sequence":%d}\n' % (line, number) for number, line in enumerate(lines, start=first))

        try:
            self._writer.append(numbered, len(lines))
        except OSError as error:
            raise NotRecorded(error.strerror) from None
        except ValueError:
            raise NotRecorded(damaged(self._segments.newest())) from None

    def close(self) -> None:
        """Let go of the file."""
        self._writer.close()


def damaged(path: Path | None) -> str:
    """What to do about a segment whose last line is damaged: nothing can be written behind it."""
    return f"the last line of {path} is damaged: restore the file from a backup, or take that line out"


def sequence_of(line: bytes) -> int:
    """The sequence of a whole line; ValueError when it is damaged."""
    try:
        return int(files.parse_json(line)["sequence"])
    except (KeyError, TypeError):
        raise ValueError("a line without its sequence") from None
