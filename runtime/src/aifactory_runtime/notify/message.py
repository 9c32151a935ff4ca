"""One message about problems of a kind, in words. Facts of events stay out of it: they may hold values of data."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aifactory_runtime.events import kinds, told
from aifactory_runtime.notify.rules import Telling, What

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.events.problems import Problem

MOST_LISTED = 30
"""Problems that a message lists; it counts the rest."""
_LONGEST = 300
"""Characters of a line."""
_SAID: dict[What, str] = {
    "opened": "opened",
    "open": "still open",
    "over": "over",
    "passed": "opened and over again",
}


@dataclass(frozen=True)
class Message:
    """What people are told; one that is sent again keeps its id."""

    id: str
    time: str
    use_case: str
    environment: str
    what: What
    kind: str
    severity: str
    title: str
    problems: tuple[str, ...]
    """A line for each."""
    keys: tuple[str, ...]
    """Of the problems that are listed."""
    count: int
    """How many there are, those that are not listed counted."""
    what_to_do: str
    dashboard_url: str | None = None

    @property
    def lines(self) -> list[str]:
        """The message as people read it, its title left out."""
        rest = self.count - len(self.problems)
        more = [f"and {rest} more: events --problems --env {self.environment} lists them"] if rest else []
        act = [f"what to do: {self.what_to_do}"] if self.what in ("opened", "open") else []
        where = [f"dashboard: {self.dashboard_url}"] if self.dashboard_url else []
        return [*self.problems, *more, *act, *where, f"message {self.id}"]


def of(telling: Telling, contract: EnvironmentContract, now: datetime) -> Message:
    """The message that tells it."""
    kind, listed, count = kinds.of(telling.kind), telling.problems[:MOST_LISTED], len(telling.problems)
    what = telling.problems[0].key if count == 1 else f"{kind.name}, {count} problems"
    return Message(
        id=str(uuid.uuid4()),
        time=now.astimezone(UTC).isoformat(timespec="seconds"),
        use_case=contract.use_case,
        environment=contract.environment,
        what=telling.what,
        kind=kind.name,
        severity=kind.severity,
        title=_one_line(f"{contract.use_case} {contract.environment}: {what}: {_SAID[telling.what]} ({kind.severity})"),
        problems=tuple(_one_line(_sentence(one, now)) for one in listed),
        keys=tuple(one.key for one in listed),
        count=count,
        what_to_do=kind.what_to_do,
        dashboard_url=contract.dashboard_url,
    )


def values(message: Message) -> dict[str, Any]:
    """A message as JSON holds it."""
    return {name: value for name, value in asdict(message).items() if value is not None}


def parse(found: Mapping[str, Any]) -> Message:
    """The message that `values` made; ValueError for anything else."""
    try:
        lists = {name: tuple(map(str, found[name])) for name in ("problems", "keys")}
        return Message(**{name: found[name] for name in found if name in Message.__dataclass_fields__} | lists)
    except (TypeError, KeyError):
        raise ValueError("not a message") from None


def _sentence(problem: Problem, now: datetime) -> str:
    ended, often = problem.ended(now), "once" if problem.count == 1 else f"{problem.count} times"
    said = f"{problem.key}: found {often} from {problem.opened:{told.MINUTES}} to {problem.last:{told.MINUTES}} UTC"
    if ended is not None:
        return f"{said}; over since {ended:{told.MINUTES}}"
    return f"{said}; {told.standing(problem, now)}; {told.owner(problem)}"


def _one_line(text: str) -> str:
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
