"""A request to train again, and how it stands after the lines of its log; no I/O.

A request is asked once, whatever asks for it again: its key is made of what caused it. It ends once: refused, or done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from aifactory_runtime.events.event import Event, key_of

Trigger = Literal["message", "calendar", "new-data", "training-code", "application-code", "drift", "by-hand"]
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

ASKED, APPROVED, BEGAN, REFUSED, DONE = "asked", "approved", "began", "refused", "done"
SEEN, RELEASED, WAITS, STOPPED = "seen", "released", "waits", "stopped"
"""What a line says. `seen`: this data or code was there before anybody looked, so it is not new. Of a request that
registered a candidate the last three: released to an environment, waits for a person there, goes no further."""

REGISTERED, SAME, BY_GATE, HANDED_ON, FAILED = "registered", "same", "refused by the gate", "handed on", "failed"
NOTHING_GAINED = "nothing gained"
"""What a request that is done came to; `nothing gained` by a candidate that is like the champion, which stays."""


@dataclass(frozen=True)
class Fingerprint:
    """What is trained on and with: equal ones are the same training. None where that cannot be told beforehand."""

    data: str | None
    science: str

    def values(self) -> dict[str, str]:
        """As facts of a line."""
        return {"science": self.science} | ({} if self.data is None else {"data": self.data})

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Fingerprint | None:
        """The one that a line tells, if it tells one."""
        data, science = facts.get("data"), facts.get("science")
        return cls(None if data is None else str(data), str(science)) if science else None


@dataclass(frozen=True)
class Ask:
    """That a training is wanted: by which trigger, by whom, and why; `subject` tells one cause from another."""

    trigger: Trigger
    subject: str
    who: str
    why: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The request's name; the same cause has the same one."""
        return key_of(self.trigger, self.subject)

    def event(self, now: datetime) -> Event:
        """As the line that asks."""
        return Event(now, self.trigger, self.key, ASKED, {"why": self.why, **self.facts}, by=self.who)


@dataclass(frozen=True)
class Request:
    """One request, as it stands."""

    key: str
    trigger: Trigger
    who: str
    why: str
    asked: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    approved_by: str | None = None
    began: tuple[datetime, ...] = ()
    """Each time that its training began: more than one when it was killed."""
    fingerprint: Fingerprint | None = None
    ended: datetime | None = None
    ended_by: str | None = None
    """The person who refused it."""
    outcome: str | None = None
    reason: str = ""
    version: int | None = None
    """What was registered."""
    released: Mapping[str, str] = field(default_factory=dict)
    """By environment: `released`, `waits` or `stopped`."""

    @property
    def pending(self) -> bool:
        """Whether it still has to be decided or done."""
        return self.ended is None


@dataclass(frozen=True)
class Requests:
    """Every request by its key, and what was there before anybody looked."""

    by_key: Mapping[str, Request] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()

    def knows(self, key: str) -> bool:
        """Whether it was asked for, or was there before."""
        return key in self.by_key or key in self.seen

    def has_seen(self, trigger: Trigger) -> bool:
        """Whether anybody ever looked for this trigger: what is there at the first look is not new."""
        return any(key.startswith(f"{trigger}:") for key in (*self.seen, *self.by_key))

    def has_asked_for(self, cause: str, since: datetime) -> bool:
        """Whether a drift with this cause asked, `since` the newest of those that are open was found; or still asks."""
        drifts = (one for one in self.by_key.values() if one.trigger == "drift" and one.facts.get("cause") == cause)
        return any(one.pending or one.asked >= since for one in drifts)

    def pending(self) -> list[Request]:
        """Those that wait, oldest first."""
        return [one for one in self.by_key.values() if one.pending]

    def ended(self) -> list[Request]:
        """Those that are over, in the order in which they ended."""
        found = [(one.ended, one.key, one) for one in self.by_key.values() if one.ended is not None]
        return [one for *_, one in sorted(found, key=lambda entry: entry[:2])]

    def last_began(self) -> datetime | None:
        """When a training began last."""
        return max((moment for one in self.by_key.values() for moment in one.began), default=None)

    def refusals(self, since: datetime | None = None) -> int:
        """How many candidates the gate refused in a row, up to now and after `since`."""
        count = 0
        for one in self.ended():
            if one.outcome == REGISTERED or (since is not None and one.ended is not None and one.ended <= since):
                count = 0
            elif one.outcome == BY_GATE:
                count += 1
        return count

    def same(self, wanted: Fingerprint) -> Request | None:
        """The request that trained on the same data with the same code before; None where there was none."""
        if wanted.data is None:
            return None
        judged = (REGISTERED, SAME, BY_GATE, NOTHING_GAINED)
        found = [one for one in self.ended() if one.fingerprint == wanted and one.outcome in judged]
        return found[-1] if found else None


def fold(events: Iterable[Event]) -> Requests:
    """How all requests stand after `events`; states that a newer runtime writes change nothing."""
    by_key: dict[str, Request] = {}
    seen: set[str] = set()
    for event in events:
        if event.state == SEEN:
            seen.add(event.key)
        elif event.state == ASKED:
            by_key.setdefault(event.key, _asked(event))
        elif event.key in by_key:
            by_key[event.key] = _after(by_key[event.key], event)
    return Requests(by_key, frozenset(seen))


def _asked(event: Event) -> Request:
    trigger: Trigger = next((one for one in TRIGGERS if one == event.kind), "message")
    facts = dict(event.facts)
    return Request(event.key, trigger, event.by or "unknown", str(facts.pop("why", "")), event.time, facts)


def _after(request: Request, event: Event) -> Request:
    if event.state in (RELEASED, WAITS, STOPPED):
        where = str(event.facts.get("environment"))
        said = str(event.facts.get("reason", ""))
        return replace(request, released={**request.released, where: event.state}, reason=said)
    return _while_pending(request, event) if request.pending else request


def _while_pending(request: Request, event: Event) -> Request:
    """What changes a request that is not over."""
    facts, reason = event.facts, str(event.facts.get("reason", ""))
    if event.state == APPROVED:
        return replace(request, approved_by=event.by)
    if event.state == BEGAN:
        return replace(request, began=(*request.began, event.time), fingerprint=Fingerprint.of(facts))
    if event.state == REFUSED:
        return replace(request, ended=event.time, ended_by=event.by, outcome=REFUSED, reason=reason)
    if event.state == DONE:
        version = facts.get("version")
        return replace(
            request,
            ended=event.time,
            outcome=str(facts.get("outcome")),
            reason=reason,
            version=version if isinstance(version, int) else None,
            fingerprint=Fingerprint.of(facts) or request.fingerprint,
        )
    return request
