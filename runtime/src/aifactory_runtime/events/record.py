"""What the rest of the runtime calls: a problem was found, it is over, which problems there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime.events import kinds, log, older, problems
from aifactory_runtime.events.event import CLOSED, Event, key_of
from aifactory_runtime.events.problems import Problems


@dataclass(frozen=True)
class Record:
    """Everything that a folder of events says; `damaged` has a line for each thing that could not be read."""

    events: tuple[Event, ...]
    problems: Problems
    damaged: tuple[str, ...]


def read(folder: Path) -> Record:
    """The log, and what runtimes from before it wrote; FactoryError when the folder cannot be read."""
    lines = log.read(folder)
    before = older.read(folder)
    events = tuple(older.among(lines.events, before.events))
    return Record(events, problems.fold(events), lines.damaged + before.damaged)


def found(
    folder: Path,
    kind: str,
    facts: Mapping[str, Any],
    subject: str = "",
    *,
    until: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """A problem is there: it opens or is counted. FactoryError when that cannot be recorded."""
    name = kinds.KINDS[kind].name
    log.append(folder, Event(now or datetime.now(UTC), name, key_of(name, subject), facts=facts, until=until))


def over(folder: Path, keys: Iterable[str], facts: Mapping[str, Any], now: datetime | None = None) -> None:
    """Close those of `keys` that are open; nothing is written for the others. FactoryError as `found` and `read`."""
    moment = now or datetime.now(UTC)
    wanted = set(keys)
    if not wanted:
        return
    for problem in read(folder).problems.open(moment):
        if problem.key in wanted:
            log.append(folder, Event(moment, problem.kind, problem.key, CLOSED, facts))
