"""Runs explanations in one thread, one after the other: a bounded queue, and a time for each."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")
Check = Callable[[], None]
"""Raises TooSlow when the time of the work is over: work calls it as often as it can."""
MOST_UNDER_WAY = 8
"""Pieces that run or wait; with more under way a further one is not taken."""


class Busy(Exception):
    """So many wait that one more is not taken; the message says so."""


class TooSlow(Exception):
    """The time was over before the work was done; the message says what to do."""


class OneAtATime:
    """One thread for all. Work whose time is over ends at its next check, and does not begin when it still waited."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._places = threading.BoundedSemaphore(MOST_UNDER_WAY)

    async def run(self, work: Callable[[Check], Made]) -> Made:
        """What `work` returns; Busy at once when the queue is full, TooSlow when its time, waiting counted, is over."""
        if not self._places.acquire(blocking=False):
            raise Busy("too many explanations wait: ask again later")
        until = time.monotonic() + self._seconds

        def check() -> None:
            if time.monotonic() > until:
                raise self._too_slow()

        def in_time() -> Made:
            check()
            return work(check)

        done = self._thread.submit(in_time)
        done.add_done_callback(lambda _: self._places.release())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), self._seconds)
        except TimeoutError:
            raise self._too_slow() from None

    def _too_slow(self) -> TooSlow:
        return TooSlow(f"it took longer than {self._seconds:g} s: ask again, or raise serving.explain_seconds in conf")
