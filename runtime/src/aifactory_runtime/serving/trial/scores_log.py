"""What the model that did not answer says of the same rows: a log beside that of the predictions, and its reader."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime import files
from aifactory_runtime.capture import log_file, prediction_ids
from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.segments import Form, Segments


class OtherScore(msgspec.Struct):
    """One line: the other model's output for the row of a prediction, or why there is none."""

    id: str
    """Of the prediction that was given."""
    test: str
    model_version: str
    output: dict[str, Any] | None
    error: str | None = None


_SCORES = msgspec.json.Decoder(OtherScore)


class ScoresLog:
    """Adds lines, on disk when the call returns; shared by all workers of a service."""

    def __init__(self, folder: Path) -> None:
        self._file = LogFile(folder, opened=segments)

    def append(self, scores: Sequence[OtherScore]) -> None:
        """Write the lines; NotRecorded when the log does not take them."""
        self._file.append([msgspec.json.encode(score)[:-1] for score in scores])


def segments(folder: Path, most_bytes: int = log_file.MOST_BYTES) -> Segments:
    """The log in the folder `capture_uri` of a contract."""
    return Segments(folder, Form("other-scores", 15, "other-scores.lock", log_file.sequence_of), most_bytes)


def read(folder: Path, test: str) -> Iterator[OtherScore]:
    """The lines of one test, oldest first; a line that a killed worker tore is passed over."""
    mark = test.encode()
    for path in segments(folder).all():
        with path.open("rb") as lines:
            for line in lines:
                if mark not in line or not line.endswith(b"\n"):
                    continue
                with suppress(msgspec.MsgspecError, ValueError):
                    score = _SCORES.decode(line)
                    if score.test == test:
                        yield score


def close_if_before(folder: Path, moment: datetime) -> None:
    """Begin a new file where the newest one begins with a score from before `moment`: else it would never be old."""
    log = segments(folder)
    newest = log.newest()
    if newest is not None and (first := _made_at(_lines(newest))) and first < moment:
        log.close_newest()


def closed(folder: Path) -> list[tuple[str, date]]:
    """Names of the files that nobody writes to, with the day of their last prediction; none that has no whole line."""
    found = [(path.name, _made_at(reversed(_lines(path)))) for path in segments(folder).closed()]
    return [(name, last.date()) for name, last in found if last is not None]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _made_at(lines: Iterable[bytes]) -> datetime | None:
    """When the first prediction of these lines was made; damaged ones say nothing."""
    for line in lines:
        with suppress(msgspec.MsgspecError, ValueError):
            if made := prediction_ids.made_at(_SCORES.decode(line).id):
                return made
    return None


def erase(folder: Path, ids: Collection[str]) -> None:
    """Take the lines of these predictions out for good; killed anywhere, the same again finishes it."""
    log, gone = segments(folder), frozenset(ids)
    log.close_newest()
    for path in log.closed():
        lines = _lines(path)
        kept = [line for line in lines if not _is_of(line, gone)]
        if len(kept) < len(lines):
            files.write(path, b"".join(kept), 0o600)


def _is_of(line: bytes, ids: frozenset[str]) -> bool:
    """Whether a line is of one of these predictions; a damaged one is when it names one anywhere."""
    try:
        return _SCORES.decode(line).id in ids
    except (msgspec.MsgspecError, ValueError):
        return any(identity.encode() in line for identity in ids)
