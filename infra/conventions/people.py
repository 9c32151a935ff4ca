"""Who is what in one environment of a use case, from its manifest: owner, approvers, and the people it lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from aifactory_runtime.contract import names
from infra.conventions import personas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aifactory_runtime.contract import Manifest
    from aifactory_runtime.contract.people import Member


@dataclass(frozen=True)
class Seat:
    """A person in a role; `key` is where the manifest says so, `until` the last day, none without an end."""

    login: str
    role: str
    key: str
    until: date | None = None

    def active(self, today: date) -> bool:
        """Whether it holds on `today`."""
        return self.until is None or today <= self.until


def seats(manifest: Manifest, environment: str) -> list[Seat]:
    """Everybody that the manifest names for `environment`, those whose time has ended included."""
    return list(_seats(manifest, environment))


def _seats(manifest: Manifest, environment: str) -> Iterator[Seat]:
    yield Seat(manifest.owner, personas.OWNER, "owner")
    wanted = manifest.settings(environment)
    for person in wanted.approvers:
        yield Seat(person, names.APPROVER, f"environments.{environment}.approvers")
    for persona, members in manifest.people.items():
        for login in dict.fromkeys(member.login for member in members):
            entry = _entry([member for member in members if member.login == login], persona, environment)
            if entry is None:
                continue
            yield Seat(login, persona, f"people.{persona}", entry.until)
            if persona == names.MODEL_VALIDATOR and wanted.approval == "required":
                yield Seat(login, names.APPROVER, f"people.{persona}", entry.until)


def _entry(entries: list[Member], persona: str, environment: str) -> Member | None:
    """The entry of one person that counts in `environment`: one that names it before one that names none."""
    for member in entries:
        if member.environments and environment in member.environments:
            # Rights that the persona has nowhere there are refused by the rules; until then they are nobody's.
            return member if environment in personas.PERSONAS[persona].anywhere else None
    for member in entries:
        if member.environments is None and environment in personas.PERSONAS[persona].standing:
            return member
    return None


def held(manifest: Manifest, environment: str, today: date) -> dict[str, dict[str, Seat]]:
    """Login to role to seat, of all that hold on `today`.

    The same role twice is that of the owner or an approver first, which has no end.
    """
    found: dict[str, dict[str, Seat]] = {}
    for seat in seats(manifest, environment):
        if seat.active(today):
            found.setdefault(seat.login, {}).setdefault(seat.role, seat)
    return found


def approvers(manifest: Manifest, environment: str, today: date) -> tuple[str, ...]:
    """People who may approve there on `today`, as named."""
    return tuple(login for login, roles in held(manifest, environment, today).items() if names.APPROVER in roles)


def validators(manifest: Manifest, environment: str, today: date) -> tuple[str, ...]:
    """Those of the approvers who are model validators there on `today`."""
    wanted = {names.APPROVER, names.MODEL_VALIDATOR}
    return tuple(login for login, roles in held(manifest, environment, today).items() if wanted <= set(roles))


@dataclass(frozen=True)
class Caller:
    """Somebody with a token of their own for the scoring service: what they are there, and its last day."""

    login: str
    roles: tuple[str, ...]
    until: date | None = None


def callers(manifest: Manifest, environment: str, today: date) -> list[Caller]:
    """People who get a token of their own for the scoring service."""
    found = []
    for login, held_there in held(manifest, environment, today).items():
        roles = {role: seat.until for role, seat in held_there.items() if personas.has_token(role, environment)}
        if roles:
            days = [day for day in roles.values() if day is not None]
            found.append(Caller(login, tuple(sorted(roles)), None if len(days) < len(roles) else max(days)))
    return found
