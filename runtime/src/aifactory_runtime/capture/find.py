"""Finds a recorded prediction by its id: in the log's files, then in the table, by the day that the id tells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime.capture import log_file, prediction_ids
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.data import removals, tables
from aifactory_runtime.data.removals import Removal
from aifactory_runtime.storage.place import Place

_LOOKS = 10
_JSON = ("inputs", "output", "redacted", "trial")


def find(capture: Path, data: Place, prediction_id: str) -> dict[str, Any] | None:
    """The line of this id, with `inputs` and `output` as JSON has them; None when nothing of it is recorded.

    Files are looked through before the table: what moves meanwhile is in the table by then. A line torn by a killed
    service was never answered.
    """
    if not prediction_id:
        return None
    log = log_file.segments(capture)
    for _ in range(_LOOKS):
        with suppress(FileNotFoundError):  # taken away since it was listed: what it held is in the table now
            return _in_files(reversed(log.all()), prediction_id) or _elsewhere(capture, data, prediction_id)
    return _elsewhere(capture, data, prediction_id)


def removed(data: Place, prediction_id: str) -> Removal | None:
    """The removal that took what was recorded when a prediction of this id was made; None when there was none."""
    if days := tuple(_days(prediction_id)):
        return removals.find(data, tables.CAPTURED, *days)
    return removals.find(data, tables.SCORED, tables.batch_of(prediction_id))


def _elsewhere(capture: Path, data: Place, prediction_id: str) -> dict[str, Any] | None:
    older = capture / log_file.OLDER
    return (_in_file(older, prediction_id) if older.exists() else None) or _in_table(data, prediction_id)


def _in_files(paths: Iterable[Path], prediction_id: str) -> dict[str, Any] | None:
    return next(filter(None, (_in_file(path, prediction_id) for path in paths)), None)


def _in_file(path: Path, prediction_id: str) -> dict[str, Any] | None:
    wanted = prediction_id.encode()
    with path.open("rb") as lines:
        for line in lines:
            if wanted in line and line.endswith(b"\n"):
                entry = json.loads(line)
                if entry["id"] == prediction_id:
                    return dict(entry)
    return None


def _in_table(data: Place, prediction_id: str) -> dict[str, Any] | None:
    for day in _days(prediction_id):
        found = tables.having(data, tables.CAPTURED, ("prediction_id", prediction_id), (DAY, day.__eq__))
        row = next(found, None)
        if row is not None:
            known = {name: value for name, value in row.items() if name not in (DAY, "prediction_id", *_JSON)}
            parsed = {name: json.loads(row[name]) for name in _JSON if row.get(name)}
            return {"id": prediction_id, **known, **parsed}
    return None


def _days(prediction_id: str) -> Iterator[str]:
    """The day of an id of the service, and the next: the line is written a moment after its id is made."""
    made = prediction_ids.made_at(prediction_id)
    if made is None:
        return
    yield made.date().isoformat()
    with suppress(OverflowError):  # there is no day after the last one that dates know
        yield (made + timedelta(days=1)).date().isoformat()
