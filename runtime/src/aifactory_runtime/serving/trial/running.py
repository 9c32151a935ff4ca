"""A live test as one worker runs it: who answers a request, and what the other model says once the answer has left."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from aifactory_runtime.capture.log_file import NotRecorded
from aifactory_runtime.serving.metrics import Metrics
from aifactory_runtime.serving.request_decoding import Refused, Rows
from aifactory_runtime.serving.trial import split
from aifactory_runtime.serving.trial.ask import ABSENT, REFUSED, Asking, Failed, Outputs
from aifactory_runtime.serving.trial.guard import Guard
from aifactory_runtime.serving.trial.scores_log import OtherScore, ScoresLog

if TYPE_CHECKING:
    from aifactory_runtime.serving.document import Served, Trial
    from aifactory_runtime.serving.model import ServedModel

_LOG = logging.getLogger("aifactory.serving")
MOST_WAITING = 1_000
"""Requests whose rows wait for the other model; more are dropped, and counted."""
_AT_ONCE = 50
_STARTING_SECONDS = 60.0
"""So long after this worker took a test up, a challenger that was not there yet is starting, not failing."""


class Mark(msgspec.Struct, frozen=True):
    """What the record of a prediction says of the test it was part of."""

    id: str
    arm: str
    """`champion` or `challenger`: whose turn it was by the split; the line's `role` says who answered."""
    key: str


@dataclass(frozen=True)
class Compared:
    """A request that was answered, for the other model."""

    ids: list[str]
    rows: Rows
    by_challenger: bool
    champion: ServedModel
    failure: str | None = None
    """Why the challenger, asked first, did not answer."""


class LiveTest:
    """One test. The challenger may hang or die: each call to it ends in time, and counts against it."""

    def __init__(
        self,
        trial: Trial,
        challenger: Served,
        asking: Asking,
        log: ScoresLog,
        metrics: Metrics,
        *,
        withdraw: Callable[[str], None],
    ) -> None:
        self.trial, self.challenger = trial, challenger
        self._asking, self._log, self._metrics, self._withdraw = asking, log, metrics, withdraw
        self._guard = Guard(trial.errors, trial.latency)
        self._waiting: deque[Compared] = deque()
        self._comparing: asyncio.Task[None] | None = None
        self._starting_until = time.monotonic() + _STARTING_SECONDS
        self._ended = False

    def mark(self, key: str) -> Mark:
        """Whose turn a request of `key` is, and what is recorded of it."""
        turn = self.trial.kind == "ab" and split.is_challengers(key, self.trial.id, self.trial.share)
        return Mark(self.trial.id, "challenger" if turn else "champion", split.recorded(key, self.trial.id))

    async def ask(self, rows: Rows) -> Outputs:
        """The challenger's outputs; Failed when the champion has to answer in its place."""
        began = time.monotonic()
        try:
            outputs = await self._asking.ask(rows.records)
        except Failed as failed:
            self._called(str(failed), time.monotonic() - began)
            raise
        self._starting_until = 0.0
        self._called(None, time.monotonic() - began)
        return outputs

    async def later(self, given: Compared) -> None:
        """Have the other model score the rows too. Call it once the answer has left."""
        if self._ended:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._metrics.trial_dropped()
            return
        self._waiting.append(given)
        if self._comparing is None:
            self._comparing = asyncio.create_task(self._compare())

    def end(self) -> None:
        """Ask the challenger no more; what waits is dropped."""
        self._ended = True

    def _called(self, failure: str | None, seconds: float) -> None:
        """Count a call; the challenger goes at once when the guard says so."""
        self._metrics.trial_called(failure or "answered")
        if failure == ABSENT and time.monotonic() < self._starting_until:
            return
        self._guard.called(seconds, failed=failure is not None)
        broken = self._guard.broken
        if broken and not self._ended:
            self.end()
            self._withdraw(broken)

    async def _compare(self) -> None:
        while self._waiting and not self._ended:
            taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            scores = [score for given in taken for score in await self._other(given)]
            try:
                await asyncio.to_thread(self._log.append, scores)
            except NotRecorded as error:  # the answers are recorded; these rows are without a pair
                _LOG.error("scores of the other model are not recorded: %s", error)
                self._metrics.trial_dropped(len(taken))
        if self._ended:
            self._asking.close()
        self._comparing = None

    async def _other(self, given: Compared) -> list[OtherScore]:
        version = given.champion.served.version if given.by_challenger else self.challenger.version
        outputs: Outputs | None = None
        failure = given.failure
        try:
            if given.by_challenger:
                outputs = await asyncio.to_thread(given.champion.predict, given.rows)
            elif failure is None:
                outputs = await self.ask(given.rows)
        except (Failed, Refused) as failed:
            failure = str(failed) if isinstance(failed, Failed) else REFUSED
        return [
            OtherScore(identity, self.trial.id, version, outputs[row] if outputs else None, failure)
            for row, identity in enumerate(given.ids)
        ]
