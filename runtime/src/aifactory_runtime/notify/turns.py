"""Which messages a channel is sent now, and how long it is left alone after a failure. Rules without I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from aifactory_runtime.notify.outbox import Failure, State, Waiting

LONGEST_PAUSE = timedelta(hours=1)
KEPT = timedelta(days=30)
"""A message that could not be delivered for so long is given up."""
FIRST_PAUSE = timedelta(minutes=1)
_MOST_DOUBLINGS = 10


def pause(failures: int) -> timedelta:
    """How long is waited after so many failures: a minute, then twice as long each time, up to an hour."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures - 1, _MOST_DOUBLINGS)))


def again(failure: Failure) -> datetime:
    """When it is tried again."""
    return failure.last + pause(failure.count)


def next_try(state: State) -> datetime | None:
    """When a channel that failed is tried again, whichever comes first; None where nothing waits."""
    failures = [failure for one in state.waiting.values() for failure in one.channels.values()]
    return min((again(failure) for failure in failures if failure is not None), default=None)


def ready(state: State, channel: str, now: datetime) -> Iterator[Waiting]:
    """Messages that `channel` is to be sent at `now`, oldest first, as it stands when each is asked for.

    One that the channel refuses is passed by the others. Where the channel itself does not answer, all wait behind the
    oldest, so they come in their order afterwards.
    """
    for one in list(state.waiting.values()):
        if channel not in one.channels:
            continue
        failure = one.channels[channel]
        if failure is None or not _waits(failure, now):
            yield one
            failure = one.channels.get(channel)
        if failure is not None and not failure.refused:
            return


def hopeless(state: State, channels: Collection[str], now: datetime) -> list[tuple[Waiting, str, str]]:
    """What is given up: message, channel and why."""
    found = []
    for one in state.waiting.values():
        for channel, failure in one.channels.items():
            if channel not in channels:
                found.append((one, channel, "no channel of this name is configured any more"))
            elif failure is not None and now - one.since > KEPT:
                found.append((one, channel, f"not delivered for {KEPT.days} days, last: {failure.why}"))
    return found


def _waits(failure: Failure, now: datetime) -> bool:
    """A failure that lies ahead, as of a clock that went back, holds nothing up."""
    return failure.last <= now < again(failure)
