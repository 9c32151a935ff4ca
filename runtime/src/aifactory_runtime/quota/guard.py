"""Around everything that computes: refused over a quota, an alert before it, and the seconds written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds, record
from aifactory_runtime.events.event import end_of_month, key_of
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
    """FactoryError when a quota is used up; a line when one nearly is; both are events, too."""
    found = usage.measure(contract, now)
    try:
        alert(contract, found, now)
    except FactoryError as error:
        say(f"note: {error}")
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


def alert(contract: EnvironmentContract, found: Sequence[Usage], now: datetime) -> None:
    """Record for who watches which quotas are near or used up, and which are so no longer."""
    folder = Path(contract.events_uri)
    over = set()
    for one in found:
        facts = {"quota": one.kind, "taken": round(one.taken, 3), "limit": one.quota, "key": one.key}
        kind = _kind(one)
        over |= {key_of(other, one.kind) for other in (kinds.QUOTA_NEAR, kinds.QUOTA_USED_UP) if other != kind}
        if kind is not None:
            until = end_of_month(now.year, now.month) if one.kind == "compute" else None
            record.found(folder, kind, facts, one.kind, until=until, now=now)
    record.over(folder, over, {}, now)


def _kind(one: Usage) -> str | None:
    """The kind of problem that a quota is now."""
    if one.over:
        return kinds.QUOTA_USED_UP
    return kinds.QUOTA_NEAR if one.near else None
