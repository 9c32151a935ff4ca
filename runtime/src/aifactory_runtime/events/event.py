"""One event, as a line of the log: read with care, and never longer than a page."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aifactory_runtime import files

OPEN, CLOSED, ACKNOWLEDGED, SILENCED = "open", "closed", "acknowledged", "silenced"
"""What an event says of the problem with its key: it is there (once more), it is over, what a person did about it."""

MAX_LINE = 4096
"""Bytes of a line, its newline counted."""
_MAX_NAME = 80
_DIGEST = 12
_SIZES = ((1000, 40), (200, 10), (40, 4))
"""Characters of a text and members of a list that facts keep: the first that fits a line."""
_DEPTH = 4


@dataclass(frozen=True)
class Event:
    """Something that happened; `sequence` orders events, whatever the clock does."""

    time: datetime
    kind: str
    key: str
    state: str = OPEN
    facts: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None
    """The person who did it; None for what the factory found itself."""
    until: datetime | None = None
    """When it is no longer true, without a further event; of a silence its end."""
    sequence: int = 0
    file: str | None = None
    """The file that it was found in, when a runtime from before the log wrote it; then `sequence` is 0."""


def key_of(kind: str, subject: str = "") -> str:
    """Which problem an event of `kind` tells of; `subject` tells problems of one kind apart, however long it is."""
    key = f"{kind}:{subject}" if subject else kind
    if len(key) <= _MAX_NAME:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:_DIGEST]
    return f"{key[: _MAX_NAME - _DIGEST - 1]}~{digest}"


def end_of_month(year: int, month: int) -> datetime:
    """When the next month begins, UTC; ValueError for what is no month."""
    return (datetime(year, month, 1, tzinfo=UTC) + timedelta(days=31)).replace(day=1)


def encode(event: Event) -> bytes:
    """The line of an event, at most MAX_LINE bytes: facts that are too long are cut, and show it."""
    for length, count in _SIZES:
        line = _line(event, _shortened(event.facts, length, count, _DEPTH))
        if len(line) <= MAX_LINE:
            return line
    return _line(event, {"left_out": "facts that are longer than a line"})


def parse(line: bytes) -> Event:
    """The event of a line; ValueError when it is none. Keys that a newer runtime adds are left out."""
    found = files.parse_json(line)
    try:
        return Event(
            time=_moment(found["time"]),
            kind=_text(found["kind"]),
            key=_text(found["key"]),
            state=_text(found["state"]),
            facts=dict(found["facts"]),
            by=None if found.get("by") is None else _text(found["by"]),
            until=None if found.get("until") is None else _moment(found["until"]),
            sequence=_number(found["sequence"]),
        )
    except (KeyError, TypeError):
        raise ValueError("not the fields of an event") from None


def values(event: Event) -> dict[str, Any]:
    """An event for machines that read it; what says nothing is left out."""
    found = {**_values(event), "facts": dict(event.facts), "sequence": event.sequence or None, "file": event.file}
    return {name: value for name, value in found.items() if value is not None}


def _line(event: Event, facts: Any) -> bytes:
    content = {**_values(event), "facts": facts, "sequence": event.sequence}
    said = {name: value for name, value in content.items() if value is not None}
    return json.dumps(said, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _values(event: Event) -> dict[str, Any]:
    return {
        "time": event.time.astimezone(UTC).isoformat(timespec="milliseconds"),
        "kind": event.kind[:_MAX_NAME],
        "key": event.key[:_MAX_NAME],
        "state": event.state,
        "by": None if event.by is None else event.by[:_MAX_NAME],
        "until": None if event.until is None else event.until.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _shortened(value: Any, length: int, count: int, depth: int) -> Any:
    """`value` as JSON can hold it: texts of `length` and lists of `count` at most, numbers that are none as texts."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if depth and isinstance(value, Mapping):
        kept = {_cut(str(name), length): _shortened(one, length, count, depth - 1) for name, one in value.items()}
        rest = len(kept) - count
        return kept if rest <= 0 else {**dict(list(kept.items())[:count]), "...": f"{rest} more"}
    if depth and isinstance(value, list | tuple):
        kept_ones = [_shortened(one, length, count, depth - 1) for one in value[:count]]
        rest = len(value) - count
        return kept_ones if rest <= 0 else [*kept_ones, f"... {rest} more"]
    return _cut(str(value), length)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]} ..."


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError("a time without its zone")
    return found.astimezone(UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError("not a sequence")
    return value
