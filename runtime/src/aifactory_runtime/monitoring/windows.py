"""Windows of the champion's traffic: so many recorded predictions in the order of their sequence, whatever clocks said.

A window closes when it is full. Predictions of another champion that lie before its end and fill no window of their own
are left out and counted: so the same predictions make the same windows, however often and when it is looked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.capture import log_file
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.segments import Segments
from aifactory_runtime.storage.place import Place

CHAMPION = "champion"
_COLUMNS = ("prediction_id", "sequence", "time", "model_version", "model_sha256", "role", "inputs", "output")
_REDACTED = "redacted"
_SEQUENCE = b'"sequence":'
_LOOKS = 10


@dataclass(frozen=True)
class Prediction:
    """A recorded prediction, as far as monitors need it."""

    sequence: int
    time: str
    id: str
    version: str
    sha256: str
    role: str
    inputs: dict[str, Any]
    output: dict[str, Any]
    redacted: frozenset[str] = frozenset()
    """Columns that are not recorded as they came."""


@dataclass(frozen=True)
class Window:
    """Predictions of one champion, in order; at least one."""

    predictions: tuple[Prediction, ...]
    left_out: int = 0
    """Predictions of another champion before its end that are in no window."""

    @property
    def first(self) -> int:
        """Sequence of its first prediction."""
        return self.predictions[0].sequence

    @property
    def last(self) -> int:
        """Sequence of its last prediction."""
        return self.predictions[-1].sequence

    @property
    def sha256(self) -> str:
        """The model's digest."""
        return self.predictions[0].sha256

    @property
    def version(self) -> str:
        """The model's version."""
        return self.predictions[0].version

    @cached_property
    def times(self) -> tuple[str, str]:
        """The earliest and the latest time in it; clocks may have jumped in between."""
        found = [each.time for each in self.predictions]
        return min(found), max(found)


def cut(predictions: Iterable[Prediction], size: int) -> Iterator[Window]:
    """The full windows of `size` predictions of the same champion; what fills none is left for the next time."""
    waiting: dict[str, list[Prediction]] = {}
    for each in predictions:
        if each.role != CHAMPION:
            continue
        held = waiting.setdefault(each.sha256, [])
        held.append(each)
        if len(held) == size:
            yield Window(tuple(held), sum(len(others) for others in waiting.values()) - size)
            waiting = {}


def read(capture: Path, data: Place, after: int = 0) -> Iterator[Prediction]:
    """The recorded predictions behind a sequence, in order: of the table `captured`, then of the log.

    While it is read, files of the log may move into the table: where the next file does not follow, the table is read
    again from there. FactoryError when a line is damaged.
    """
    last = after
    log = log_file.segments(capture)
    for _ in range(_LOOKS):
        moved = tables.position(data, tables.CAPTURED, tables.CAPTURED)
        for each in _in_table(data, last) if moved > last else ():
            if each.sequence > last:
                last = each.sequence
                yield each
        last = max(last, moved)
        with suppress(FileNotFoundError):
            for path in _ending_behind(log, last):
                if log.first(path) > last + 1 and tables.position(data, tables.CAPTURED, tables.CAPTURED) > last:
                    break
                for each in _in_file(path, last):
                    last = each.sequence
                    yield each
            else:
                return
    raise FactoryError("predictions move faster than they can be read: run it again")


def _ending_behind(log: Segments, last: int) -> list[Path]:
    """Segments that may hold a line behind `last`: not those whose follower begins at it or before."""
    paths = log.all()
    behind = [log.first(follower) > last + 1 for follower in paths[1:]]
    return [path for path, has_more in zip(paths, [*behind, True], strict=False) if has_more]


def newest(capture: Path, data: Place) -> int:
    """The sequence of the last recorded prediction; 0 when there is none."""
    log = log_file.segments(capture)
    path = log.newest()
    try:
        return max(log.last(path) if path else 0, tables.position(data, tables.CAPTURED, tables.CAPTURED))
    except ValueError:
        raise FactoryError(log_file.damaged(path)) from None


def last_time(capture: Path, data: Place) -> str | None:
    """The time of the last recorded prediction, as it was written; None when there is none."""
    last = None
    for each in read(capture, data, max(0, newest(capture, data) - 1)):
        last = each.time
    return last


def _in_table(data: Place, after: int) -> Iterator[Prediction]:
    there = tables.columns(data, tables.CAPTURED).names
    names = [*_COLUMNS, *([_REDACTED] if _REDACTED in there else [])]  # tables from before it have none
    for frame in tables.batches(data, tables.CAPTURED, columns=names, above=("sequence", after)):
        for row in frame.itertuples(index=False, name=None):
            yield _prediction(dict(zip(names, row, strict=True)))


def _in_file(path: Path, after: int) -> Iterator[Prediction]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return  # torn by a killed service: it was never answered
            if _sequence(line) > after:
                yield _parsed(path, number, line)


def _sequence(line: bytes) -> float:
    """The sequence, which is a line's last value, without decoding the others; of a line that ends otherwise no end."""
    try:
        return int(line[line.rindex(_SEQUENCE) + len(_SEQUENCE) : -2])
    except ValueError:
        return math.inf


def _parsed(path: Path, number: int, line: bytes) -> Prediction:
    try:
        values = files.parse_json(line)
        return _prediction({"prediction_id": values["id"], **values})
    except (ValueError, KeyError, TypeError):
        raise FactoryError(
            f"{path}: line {number} is damaged: restore the file from a backup, or take the line out"
        ) from None


def _prediction(values: dict[str, Any]) -> Prediction:
    return Prediction(
        sequence=int(values["sequence"]),
        time=str(values["time"]),
        id=str(values["prediction_id"]),
        version=str(values["model_version"]),
        sha256=str(values["model_sha256"]),
        role=str(values["role"]),
        inputs=_object(values["inputs"]),
        output=_object(values["output"]),
        redacted=frozenset(_object(values[_REDACTED]) if isinstance(values.get(_REDACTED), dict | str) else ()),
    )


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else files.parse_json(str(value) or "{}")


def redacted(predictions: Iterable[Prediction]) -> frozenset[str]:
    """Columns that are not recorded as they came in one of these."""
    return frozenset[str]().union(*(each.redacted for each in predictions))
