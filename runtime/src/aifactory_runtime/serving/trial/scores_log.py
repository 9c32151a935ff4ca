"""What the model that did not answer says of the same rows: a log beside that of the predictions, and its reader."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime import files
from aifactory_runtime.segments import Form, Segments, Writer

MOST_BYTES = 64 << 20


class OtherScore(msgspec.Struct):
    """One line: the other model's output for the row of a prediction, or why there is none."""

    id: str
    """Of the prediction that was given."""
    test: str
    model_version: str
    output: dict[str, Any] | None
    error: str | None = None


class ScoresLog:
    """Adds lines, on disk when the call returns; shared by all workers of a service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Writer | None = None

    def append(self, scores: Sequence[OtherScore]) -> None:
        """Write the lines; OSError or ValueError when the log does not take them."""
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = Writer(segments(self._folder))
        begun = [msgspec.json.encode(score)[:-1] for score in scores]

        def numbered(first: int) -> bytes:
            return b"".join(b'%s,"sequence":%d}\n' % (line, number) for number, line in enumerate(begun, start=first))

        self._writer.append(numbered, len(begun))


def segments(folder: Path) -> Segments:
    """The log in the folder `capture_uri` of a contract."""
    return Segments(folder, Form("other-scores", 15, "other-scores.lock", _sequence_of), MOST_BYTES)


def read(folder: Path, test: str) -> Iterator[OtherScore]:
    """The lines of one test, oldest first; a line that a killed worker tore is passed over."""
    decoder, mark = msgspec.json.Decoder(OtherScore), test.encode()
    for path in segments(folder).all():
        with path.open("rb") as lines:
            for line in lines:
                if mark not in line or not line.endswith(b"\n"):
                    continue
                with suppress(msgspec.MsgspecError, ValueError):
                    score = decoder.decode(line)
                    if score.test == test:
                        yield score


def erase(folder: Path, ids: Collection[str]) -> None:
    """Take the lines of these predictions out for good; killed anywhere, the same again finishes it."""
    log = segments(folder)
    log.close_newest()
    for path in log.closed():
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(identity.encode() in line for identity in ids)]
        if len(kept) < len(lines):
            files.write(path, b"".join(kept), 0o600)


def _sequence_of(line: bytes) -> int:
    try:
        return int(files.parse_json(line)["sequence"])
    except (KeyError, TypeError):
        raise ValueError("a line without its sequence") from None
