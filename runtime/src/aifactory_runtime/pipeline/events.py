"""What a run leaves for who watches: problems that it found, and those that are over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff

_LOG = logging.getLogger("aifactory.events")


def found(context: Context, handoff: Handoff, kind: str, **facts: Any) -> None:
    """A problem of `kind` is there."""
    _tried(lambda: record.found(_folder(context), kind, _facts(handoff, facts)))


def over(context: Context, handoff: Handoff, kind: str) -> None:
    """No problem of `kind` is there any more."""
    _tried(lambda: record.over(_folder(context), [kind], _facts(handoff, {})))


def _tried(write: Callable[[], None]) -> None:
    """What the run came to is more than its event: where that cannot be written, it is said and the run goes on."""
    try:
        write()
    except FactoryError as error:
        _LOG.warning("note: %s", error)


def _folder(context: Context) -> Path:
    return Path(context.contract.events_uri)


def _facts(handoff: Handoff, facts: dict[str, Any]) -> dict[str, Any]:
    return {"run": handoff.id, "kind": handoff.kind, **facts}
