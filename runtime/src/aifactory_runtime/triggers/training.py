"""Carries out a request: the pipeline in this process, and what it came to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import exclusive, run_folder
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.run import STEPS, run
from aifactory_runtime.quota.guard import within
from aifactory_runtime.storage import place
from aifactory_runtime.storage.place import Place
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.request import BY_GATE, FAILED, NOTHING_GAINED, REGISTERED, SAME, Request

Say = Callable[[str], None]
_log = logging.getLogger(__name__)


def is_running(here: Here) -> bool:
    """Whether another pipeline runs in the environment."""
    return exclusive.is_held(place.at(here.contract.artifact_uri))


def train(here: Here, request: Request, say: Say) -> dict[str, Any]:
    """Train for a request and return what it came to, as facts of its last line.

    A training that ended before its end was written down is not done again.
    """
    context, done = Context(here.project), list[str]()
    if request.began and (before := _came_to(context, request.key)):
        return before

    def step(name: str) -> None:
        done.append(name)
        say(name)

    try:
        with within(here.contract, "retraining", say):
            made = run(
                context, tuple(STEPS), run_id=None, kind="retraining", say=step, again=False, request=request.key
            )
    except Exception as error:
        return _came_to(context, request.key) or _failed(error)
    # After a kill the version may be there already: it is this request's all the same.
    new = len(done) == len(STEPS) or bool(request.began)
    return {"outcome": REGISTERED if new else SAME, "version": made.version, "run": made.id}


def _failed(error: Exception) -> dict[str, Any]:
    """Of a bug only its kind is told: its words may hold data."""
    if isinstance(error, FactoryError):
        return {"outcome": FAILED, "reason": str(error).partition("\n")[0]}
    _log.warning("the training ended in an error", exc_info=error)
    return {"outcome": FAILED, "reason": type(error).__name__}


def _came_to(context: Context, key: str) -> dict[str, Any] | None:
    """What the newest run for this request came to; None while it has no end."""
    for handoff in _newest_first(context.artifacts):
        if handoff.request != key:
            continue
        if handoff.version is not None:
            return {"outcome": REGISTERED, "version": handoff.version, "run": handoff.id}
        if handoff.refused is not None:
            return {
                "outcome": NOTHING_GAINED if handoff.gains_nothing else BY_GATE,
                "reason": "; ".join(handoff.refused),
                "run": handoff.id,
            }
    return None


def _newest_first(artifacts: Place) -> Iterator[Handoff]:
    for name in reversed(run_folder.ids(artifacts)):
        try:
            yield handoffs.load(artifacts, name)
        except UsageProblem:
            continue
