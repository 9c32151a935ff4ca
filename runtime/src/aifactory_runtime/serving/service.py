"""What the scoring service is at a moment: its model, whether it is ready and why not, and how it answers a request."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from aifactory_runtime.capture.log_file import NotRecorded
from aifactory_runtime.capture.redaction import Redacted
from aifactory_runtime.config.settings import ServingSettings
from aifactory_runtime.serving.brought import Elsewhere
from aifactory_runtime.serving.callers import Caller, Callers
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.metrics import Metrics
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.one_at_a_time import OneAtATime
from aifactory_runtime.serving.recording import Recorder
from aifactory_runtime.serving.request_decoding import Rows
from aifactory_runtime.serving.trial.ask import Failed
from aifactory_runtime.serving.trial.running import Compared, LiveTest, Mark

if TYPE_CHECKING:
    from aifactory_runtime.serving.feedback import Feedback
    from aifactory_runtime.serving.retraining import Retraining

INLINE_ROWS = 16
"""Up to this many rows are scored at once; more go to a thread, so that other callers need not wait."""

Call = Literal["predict", "invocations", "csv", "explain"]
"""The method of the model's reader that reads a body."""


class NotReady(Exception):
    """There is no model to answer with; the message says why."""


class NotExplained(Exception):
    """The model's answers cannot be explained; the message says what to do."""


class _Line(msgspec.Struct, omit_defaults=True):
    """A line of the prediction log, without the sequence that the file adds."""

    id: str
    time: str
    model_version: str
    model_sha256: str
    commit: str
    """Of the code that answered."""
    role: str
    inputs: Any
    output: Any
    redacted: Redacted | None = None
    """Columns whose values are not in `inputs` as they came; left out where all are."""
    trial: Mark | None = None
    """The live test that the request was part of."""


NOTHING_RELEASED = "no model is released yet"


@dataclass
class Service:
    """One worker. The watcher's thread swaps `model` by assignment; a request keeps the one it began with."""

    max_body_bytes: int
    recorder: Recorder | Elsewhere
    callers: Callers | None = None
    model: ServedModel | None = None
    reason: str | None = NOTHING_RELEASED
    sequence: int = 0
    draining: bool = False
    metrics: Metrics = field(default_factory=Metrics)
    explainer: OneAtATime = field(default_factory=lambda: OneAtATime(ServingSettings().explain_seconds))
    live_test: LiveTest | None = None
    feedback: Feedback | None = None
    """Where labels go; None takes none."""
    retraining: Retraining | None = None
    """Where it is asked for a new training; None takes no such request."""

    @property
    def not_ready(self) -> str | None:
        """Why requests are better sent elsewhere; None when the service is ready."""
        if self.draining:
            return "draining: this worker is about to end"
        return self.reason if self.model is None else None

    def who(self, token: str | None) -> Caller | None:
        """The caller with this bearer token; None who may not come in, and everybody where nobody is asked."""
        return None if self.callers is None or token is None else self.callers.who(token)

    async def score(self, call: Call, body: bytes, key: str | None = None) -> Scored:
        """The answer to a body. Raises Refused for bad input, NotReady without a model, NotRecorded.

        To be explained, also NotExplained, Busy and TooSlow; what is explained is the champion's answer. In a live test
        other requests of one `key` are answered by one model; without one each stands for itself.
        """
        model = self.model
        if model is None:
            raise NotReady(self.reason)
        rows: Rows = getattr(model.reader, call)(body)
        ids = new_ids(len(rows.records))
        alone = call == "explain"
        given = await (_by_champion(model, rows) if alone else self._answered(model, rows, ids, key))
        explained = await self._explained(model, rows, given.outputs[0]) if alone else {}
        recorded = await self._recorded(_lines(model, given, rows, ids))
        answer: dict[str, Any] = {"predictions": [output["prediction"] for output in given.outputs]}
        if model.schema.classes:
            answer["probabilities"] = [output["probabilities"] for output in given.outputs]
            answer["classes"] = model.schema.classes
        answer |= {"prediction_ids": ids, "model_version": given.served.version} | explained
        body = msgspec.json.encode(answer if recorded else answer | {"recorded": False})
        return Scored(body, given.afterwards)

    async def _recorded(self, lines: list[bytes]) -> bool:
        """Whether the lines are on disk, counted; NotRecorded when they have to be and are not."""
        try:
            recorded = await self.recorder.record(lines)
        except NotRecorded:
            self.metrics.not_recorded()
            raise
        if recorded:
            self.metrics.scored(len(lines))
        else:
            self.metrics.not_recorded()
        return recorded

    async def _explained(self, model: ServedModel, rows: Rows, output: dict[str, Any]) -> dict[str, Any]:
        """What is added to the answer to one row that is to be explained."""
        background = model.background
        if background is None:
            raise NotExplained(
                f"version {model.served.version} has no background rows to explain against: train and release it again"
            )
        found = await self.explainer.run(partial(model.explain, rows, output))
        about = {"rows": background.rows, "made_up": background.made_up}
        return {"explanations": [found], "background": about}

    async def _answered(self, model: ServedModel, rows: Rows, ids: list[str], key: str | None) -> _Given:
        """By the champion; in a live test by the challenger when it is its turn and it answers in time."""
        test = self.live_test
        if test is None:
            return await _by_champion(model, rows)
        mark, failure, outputs = test.mark(key or ids[0]), None, None
        if mark.arm == "challenger":
            try:
                outputs = await test.ask(rows)
            except Failed as failed:
                failure = str(failed)
        later = partial(test.later, Compared(ids, rows, outputs is not None, model, failure))
        if outputs is not None:
            return _Given(outputs, test.challenger, test.challenger.commit, "challenger", mark, later)
        return replace(await _by_champion(model, rows), trial=mark, afterwards=later)


@dataclass(frozen=True)
class Scored:
    """An answer, as JSON, and what is to be awaited once it has left."""

    body: bytes
    afterwards: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class _Given:
    """Outputs and who gave them."""

    outputs: list[dict[str, Any]]
    served: Served
    commit: str
    role: str = "champion"
    trial: Mark | None = None
    afterwards: Callable[[], Awaitable[None]] | None = None


async def _by_champion(model: ServedModel, rows: Rows) -> _Given:
    return _Given(await outputs_of(model, rows), model.served, model.code_commit)


async def outputs_of(model: ServedModel, rows: Rows) -> list[dict[str, Any]]:
    """The model's outputs, of many rows in a thread: others are answered meanwhile."""
    few = len(rows.records) <= INLINE_ROWS
    return model.predict(rows) if few else await asyncio.to_thread(model.predict, rows)


def new_ids(count: int) -> list[str]:
    """Prediction ids: UUIDs of version 7, so that they sort by time."""
    milliseconds = time.time_ns() // 1_000_000
    ids = []
    for _ in range(count):
        draw = int.from_bytes(os.urandom(10), "big")
        value = (milliseconds << 80) | (0x7 << 76) | ((draw >> 68) << 64) | (0x2 << 62) | (draw & (2**62 - 1))
        digits = f"{value:032x}"
        ids.append("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    return ids


def _lines(model: ServedModel, given: _Given, rows: Rows, ids: list[str]) -> list[bytes]:
    """Log lines of one request, each without its closing brace."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    served, redacted = given.served, model.redacted or None
    whose = (served.version, served.sha256, given.commit, given.role)
    return [
        msgspec.json.encode(_Line(identity, now, *whose, inputs, output, redacted, given.trial))[:-1]
        for identity, inputs, output in zip(ids, model.inputs(rows), given.outputs, strict=True)
    ]
