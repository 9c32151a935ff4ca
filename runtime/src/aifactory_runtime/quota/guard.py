"""Around everything that computes: refused over a quota, an alert before it, and the seconds written down."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.quota import usage
from aifactory_runtime.quota.usage import Usage

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract

_WAYS_OUT = {
    "disk": "remove what is no longer needed",
    "compute": "wait for the next month",
}


@contextmanager
def within(
    contract: EnvironmentContract, what: str, say: Callable[[str], None], now: datetime | None = None
) -> Iterator[None]:
    """Do `what` if the quotas allow it; its seconds count, whether it succeeds or fails.

    FactoryError before it begins when a quota is used up. Where no quotas were applied nothing is measured or written.
    """
    if contract.quota_disk_gb is None and contract.quota_compute_hours is None:
        yield
        return
    moment = now or datetime.now(UTC)
    check(contract, say, moment)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        with suppress(FactoryError):
            usage.note(contract, what, round(time.monotonic() - began, 3), moment)
        raise
    usage.note(contract, what, round(time.monotonic() - began, 3), moment)


def check(contract: EnvironmentContract, say: Callable[[str], None], now: datetime) -> None:
    """FactoryError when a quota is used up; a line, and once a month an event, when one nearly is."""
    found = usage.measure(contract, now)
    for one in found:
        if one.near:
            _alert(contract, one, now)
    over = [one for one in found if one.over]
    if over:
        raise FactoryError("; ".join(_refusal(contract, one) for one in over))
    for one in found:
        if one.near:
            say(f"quota: {one} are used up; at the limit nothing more runs: {one.key} in factory.yaml")


def _refusal(contract: EnvironmentContract, one: Usage) -> str:
    return (
        f"{contract.use_case} has taken {one} in {contract.environment}: {_WAYS_OUT[one.kind]}, or raise {one.key} in "
        f"factory.yaml and run factory up {contract.environment}"
    )


def _alert(contract: EnvironmentContract, one: Usage, now: datetime) -> None:
    """Leave an event for who watches, unless this month has one: one for coming near, one for the limit."""
    event = "quota_used_up" if one.over else "quota_near"
    path = Path(contract.events_uri) / f"{now:%Y-%m}.{one.kind}.{event}.json"
    content = {"event": event, "quota": one.kind, "taken": round(one.taken, 3), "limit": one.quota, "key": one.key}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        # There already, or the disk is full: the caller is told in any case.
        return
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
    except OSError:
        path.unlink(missing_ok=True)  # an empty one would count as this month's
