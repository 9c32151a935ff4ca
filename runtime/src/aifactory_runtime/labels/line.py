"""A line of the log of labels, and that log. Imports nothing heavy: the scoring service writes here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from aifactory_runtime.capture import log_file
from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.segments import Form, Segments

MOST_BYTES = log_file.MOST_BYTES


class Line(msgspec.Struct, omit_defaults=True, frozen=True):
    """One label as it was sent; `sequence` is the log's, and grows by one a label whoever sent it.

    It says which prediction it is of by `prediction_id`, or by `key`: the value of the key column, as text.
    """

    id: str
    time: str
    """When it was received, ISO 8601 in UTC to the millisecond."""
    by: str
    """Login of who sent it; empty where nobody is asked who they are."""
    label: msgspec.Raw
    """As JSON: a class as the model has it, of a regression a number."""
    prediction_id: str | None = None
    key: str | None = None
    older_keys: str | None = None
    """The same key as a hash by each earlier hashing key, parted by spaces; predictions from then are found by them."""
    at: str | None = None
    """When the outcome was seen, as the sender says, in the form of `time`."""
    kpi: float | None = None
    replaces: str | None = None
    """Id of the label that this one corrects."""
    sequence: int = 0

    @property
    def text(self) -> str:
        """The label, as JSON text."""
        return bytes(self.label).decode()

    @property
    def keys(self) -> tuple[str, ...]:
        """All that the value of the key column may be recorded as, the newest first; none of a label by id."""
        return () if self.key is None else (self.key, *(self.older_keys or "").split())

    @property
    def seen(self) -> str:
        """When the outcome was seen; never later than the label was received."""
        return self.time if self.at is None else min(self.at, self.time)


def by_hashes(line: Line, hashes: Sequence[str]) -> Line:
    """The line with its key as these hashes of it, the newest first; without a key where there are none."""
    newest, *older = hashes or (None,)
    return msgspec.structs.replace(line, key=newest, older_keys=" ".join(map(str, older)) or None)


def key_text(value: Any) -> str | None:
    """The value of a key column as labels and predictions are compared by it; None for what is no key.

    A whole number is the same key whether it came as a number or as a text.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value) if isinstance(value, int | str) and value != "" else None


def segments(folder: Path, most_bytes: int = MOST_BYTES) -> Segments:
    """The log of labels in the folder `capture_uri` of a contract."""
    return Segments(folder, Form("labels", 15, "labels.lock", log_file.sequence_of), most_bytes)


def log(folder: Path) -> LogFile:
    """What adds lines to that log, on disk when it returns."""
    return LogFile(folder, opened=segments)


def encoded(line: Line) -> bytes:
    """The line as `LogFile` takes it: without its closing brace and without its sequence."""
    return msgspec.json.encode(line)[:-1]
