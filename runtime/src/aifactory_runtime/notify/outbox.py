"""The box of messages: a log that says what was told, what waits for which channel, and how often that failed.

A message is on disk before it is sent, and that it was delivered after: who is killed between the two sends it again,
with its id. What is finished is left behind when a file is full: the next one begins with what still counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.notify import message as messages
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.rules import Told
from aifactory_runtime.segments import Form, Segments, Writer

FOLDER = "outbox"
SEGMENT_BYTES = 1 << 20
Line = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """How sending a message to a channel has failed so far."""

    count: int
    last: datetime
    refused: bool
    """The channel works, but does not take this message: others pass it by."""
    why: str


@dataclass
class Waiting:
    """A message, and the channels that it is still to be sent to."""

    message: Message
    since: datetime
    channels: dict[str, Failure | None]


@dataclass
class State:
    """What the lines of a box come to."""

    began: datetime | None = None
    told: dict[str, Told] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """By id, oldest first."""


def fold(lines: Iterable[Mapping[str, Any]], before: State | None = None) -> State:
    """The state after `lines`; ValueError for a line that is none. Lines that come twice change nothing."""
    state = before or State()
    for line in lines:
        try:
            _fold(state, line)
        except (KeyError, TypeError, AttributeError):
            raise ValueError("not the fields of a line") from None
    return state


def began(now: datetime) -> Line:
    """Telling begins: what was over before is not told."""
    return {"line": "began", "time": _text(now)}


def queued(message: Message, told: Mapping[str, Told], channels: Iterable[str], now: datetime) -> Line:
    """A message waits for channels; with it people are told what `told` says, by the key of a problem."""
    content = {"content": messages.values(message), "channels": list(channels), "told": _told(told)}
    return {"line": "message", "time": _text(now), "id": message.id, **content}


def delivered(message: str, channel: str, now: datetime) -> Line:
    """A channel has taken a message."""
    return {"line": "delivered", "time": _text(now), "id": message, "channel": channel}


def given_up(message: str, channel: str, why: str, now: datetime) -> Line:
    """A message is sent to a channel no more."""
    return {"line": "given_up", "time": _text(now), "id": message, "channel": channel, "why": why}


def failed(message: str, channel: str, failure: Failure) -> Line:
    """A channel has not taken a message, once more."""
    said = {"count": failure.count, "refused": failure.refused, "why": failure.why}
    return {"line": "failed", "time": _text(failure.last), "id": message, "channel": channel, **said}


def whole(state: State) -> list[Line]:
    """Lines that come to `state`."""
    found: list[Line] = [began(state.began)] if state.began else []
    found += [{"line": "told", "told": _told(state.told)}] if state.told else []
    for name, one in state.waiting.items():
        found.append(queued(one.message, {}, one.channels, one.since))
        found += [failed(name, channel, failure) for channel, failure in one.channels.items() if failure]
    return found


class Outbox:
    """The box of one environment. One process at a time holds it, by `held`."""

    def __init__(self, events: Path) -> None:
        self.folder = events / FOLDER
        self._log = Segments(self.folder, Form("outbox", 12, "outbox.lock", _sequence, self._last), SEGMENT_BYTES)

    def read(self) -> tuple[State, list[str]]:
        """What stands in it, and a sentence for each line that is damaged; FactoryError when it cannot be read."""
        state, damaged = State(), []
        try:
            for path in self._log.all():
                for number, line in enumerate(_whole_lines(path), start=1):
                    try:
                        fold([files.parse_json(line)], state)
                    except ValueError:
                        damaged.append(f"{path}: line {number} is damaged; what it told may be told again, or not sent")
        except OSError as error:
            raise FactoryError(f"{self.folder} cannot be read ({error.strerror}): see its place and rights") from None
        return state, damaged

    def append(self, line: Line) -> None:
        """Add a line, on disk when this returns; FactoryError when the disk does not take it."""
        self._write([line])

    def shorten(self, state: State) -> None:
        """Where a file is full: what still counts goes into the newest one, and older ones go."""
        older = self._log.closed()
        if not older:
            return
        self._write(whole(state))
        for path in older:
            path.unlink(missing_ok=True)
        files.sync_folder(self.folder)

    def _write(self, lines: list[Line]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writer = Writer(self._log)
            try:
                writer.append(lambda first: _encoded(lines, first), len(lines))
            finally:
                writer.close()
        except OSError as error:
            raise FactoryError(
                f"{self.folder} takes no message ({error.strerror}): see its place, rights and space"
            ) from None

    def _last(self, path: Path, first: int) -> int:
        """Sequences have no gaps, so where the last line is damaged lines are counted."""
        return first - 1 + len(_whole_lines(path))


def _fold(state: State, line: Mapping[str, Any]) -> None:
    kind = line["line"]
    if kind == "began":
        state.began = _moment(line["time"])
    elif kind == "told":
        state.told |= _parsed(line["told"])
    elif kind == "message":
        waits: dict[str, Failure | None] = {str(name): None for name in line["channels"]}
        state.waiting[line["id"]] = Waiting(messages.parse(line["content"]), _moment(line["time"]), waits)
        state.told |= _parsed(line["told"])
    elif kind == "failed" and (one := state.waiting.get(line["id"])) is not None:
        failure = Failure(int(line["count"]), _moment(line["time"]), bool(line["refused"]), str(line["why"]))
        one.channels[line["channel"]] = failure
    elif kind in ("delivered", "given_up") and (one := state.waiting.get(line["id"])) is not None:
        one.channels.pop(line["channel"], None)
        if not one.channels:
            del state.waiting[line["id"]]


def _told(told: Mapping[str, Told]) -> dict[str, list[Any]]:
    return {key: [_text(one.opened), one.over, _text(one.time)] for key, one in told.items()}


def _parsed(told: Mapping[str, Any]) -> dict[str, Told]:
    return {key: Told(_moment(opened), bool(over), _moment(time)) for key, (opened, over, time) in told.items()}


def _encoded(lines: list[Line], first: int) -> bytes:
    numbered = ({"sequence": number, **line} for number, line in enumerate(lines, start=first))
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in numbered)


def _sequence(line: bytes) -> int:
    found = files.parse_json(line).get("sequence")
    if not isinstance(found, int):
        raise ValueError("not a sequence")
    return found


def _whole_lines(path: Path) -> list[bytes]:
    """What follows the last newline was never acknowledged."""
    return path.read_bytes().split(b"\n")[:-1]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
