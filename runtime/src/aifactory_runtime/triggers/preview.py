"""What a tick would decide now, without writing anything."""

from __future__ import annotations

from datetime import UTC, datetime

from aifactory_runtime.triggers import causes, deciding, log, request
from aifactory_runtime.triggers.deciding import Decided
from aifactory_runtime.triggers.here import Here


def decided(here: Here) -> list[Decided]:
    """The verdict on each request that waits, and on each that the next tick would write down."""
    now = datetime.now(UTC)
    known, events = log.read(here.folder), causes.read_events(here)
    found = causes.look(here, known, events, now)
    new = {ask.key: ask for ask in found.asks if not known.knows(ask.key)}
    added = request.fold(ask.event(now) for ask in new.values())
    together = request.Requests({**known.by_key, **added.by_key}, known.seen)
    return deciding.decide(here, together, events, now)
