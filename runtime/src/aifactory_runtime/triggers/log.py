"""The log of requests: append-only lines of the form that events have, in the environment's folder `triggers`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.events import log
from aifactory_runtime.events.event import Event
from aifactory_runtime.triggers import request as requests
from aifactory_runtime.triggers.request import Ask, Request, Requests, Trigger

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract


def folder(contract: EnvironmentContract) -> Path:
    """Where requests lie; UsageProblem in an environment that was applied before there were any."""
    if contract.triggers_uri is None:
        raise UsageProblem(
            f"{contract.environment} was applied before there were requests: run factory up {contract.environment}"
        )
    return Path(contract.triggers_uri)


def read(place: Path) -> Requests:
    """How all requests stand. A damaged line is nothing that anybody asked for; `events.log` names it."""
    return requests.fold(log.read(place).events)


def damaged(place: Path) -> tuple[str, ...]:
    """A line for each thing in the log that is damaged."""
    return log.read(place).damaged


def ask(place: Path, wanted: Ask, now: datetime | None = None) -> bool:
    """Write a request down; False when the same one is there already, ended or not."""
    if read(place).knows(wanted.key):
        return False
    log.append(place, wanted.event(now or datetime.now(UTC)))
    return True


def see(place: Path, trigger: Trigger, key: str, now: datetime) -> None:
    """Write down that this was there before anybody looked."""
    log.append(place, Event(now, trigger, key, requests.SEEN))


def say(place: Path, about: Request, state: str, facts: Mapping[str, Any], by: str | None = None) -> None:
    """Add a line about a request."""
    log.append(place, Event(datetime.now(UTC), about.trigger, about.key, state, facts, by=by))
