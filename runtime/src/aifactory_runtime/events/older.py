"""Events of runtimes from before the log: a JSON file each, which released snapshots of then go on writing.

The files stay where they are and are read beside the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.events import kinds
from aifactory_runtime.events.event import Event, end_of_month, key_of
from aifactory_runtime.events.log import Read

_OF_RUN = (kinds.GATE_REFUSED, kinds.NOT_CONVERGED)
_OF_QUOTA = (kinds.QUOTA_NEAR, kinds.QUOTA_USED_UP)
_ENDING = ".json"
_MONTH = re.compile(r"(\d{4})-(\d{2})\.")


def read(folder: Path) -> Read:
    """The events of the files in `folder`, oldest first by when they were written."""
    found: list[Event] = []
    damaged: list[str] = []
    for name in files.names(folder):
        path = folder / name
        if path.suffix != _ENDING or name.startswith("."):  # a file that is being written begins with a dot
            continue
        try:
            found.append(_event(path))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, LookupError, TypeError, OverflowError):
            damaged.append(f"{path}: is no event: look what it is and take it away")
    return Read(tuple(sorted(found, key=lambda one: (one.time, one.file))), tuple(damaged))


def among(lines: Sequence[Event], older: Sequence[Event]) -> Iterator[Event]:
    """Both in one order: that of the log, a file before the first line that is younger than it."""
    waiting = list(older)
    for event in lines:
        while waiting and waiting[0].time <= event.time:
            yield waiting.pop(0)
        yield event
    yield from waiting


def _event(path: Path) -> Event:
    facts = files.read_json(path)
    kind = facts.pop("event")
    if kind not in (*_OF_RUN, *_OF_QUOTA):
        raise ValueError("not a kind of then")
    subject = str(facts["quota"]) if kind in _OF_QUOTA else ""
    return Event(
        time=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        kind=kind,
        key=key_of(kind, subject),
        facts=facts,
        until=_end_of_month(path.name) if kind in _OF_QUOTA else None,
        file=path.name,
    )


def _end_of_month(name: str) -> datetime | None:
    """One file a month was written as long as it was true; so it tells of its month alone."""
    found = _MONTH.match(name)
    return None if found is None else end_of_month(int(found[1]), int(found[2]))
