"""Who is what in which environment of a use case, and whose time has ended, as its manifest says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from aifactory_runtime.contract import names
from infra.conventions import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aifactory_runtime.contract import Manifest


@dataclass(frozen=True)
class Line:
    """One person in one role in one environment; `key` is where the manifest says so."""

    login: str
    role: str
    environment: str
    until: str | None
    ended: bool
    key: str


def today() -> date:
    """The day in UTC, by which rights begin and end."""
    return datetime.now(UTC).date()


def roster(manifest: Manifest, environments: Sequence[str], day: date) -> list[Line]:
    """Every person in `environments` (all when none is named), by login."""
    found = [
        Line(
            seat.login,
            seat.role,
            environment,
            None if seat.until is None else seat.until.isoformat(),
            not seat.active(day),
            seat.key,
        )
        for environment in environments or names.ENVIRONMENTS
        for seat in people.seats(manifest, environment)
    ]
    return sorted(found, key=lambda line: line.login)


def due(manifest: Manifest, environments: Sequence[str], day: date) -> list[str]:
    """A sentence for each person whose time has ended and who is still listed."""
    return [
        f"{line.login} is {line.role} in {line.environment} no more, since the end of {line.until}"
        for line in roster(manifest, environments, day)
        if line.ended
    ]
