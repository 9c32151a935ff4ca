"""What people do about requests: ask, approve, refuse. Each by a login, where there are any, and in the audit log."""

from __future__ import annotations

import uuid
from pathlib import Path

from aifactory_runtime.audit import log as audit
from aifactory_runtime.config import credentials
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.triggers import inbox, log, request
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.request import Ask, Request


def ask(here: Here, person: str | None, why: str) -> str:
    """Ask for a training by hand; the key of the request."""
    if not here.trains:
        raise UsageProblem(
            f"nothing is trained in {here.contract.environment}: ask with --env {here.contract.train_in}"
        )
    wanted = Ask("by-hand", uuid.uuid4().hex[:12], _who(here, person), why)
    _audit(here, "retraining asked", wanted.key, wanted.who, why)
    log.ask(here.folder, wanted)
    return wanted.key


def approve(here: Here, person: str | None, key: str) -> str:
    """Approve a request that waits; who did."""
    one, who = _waiting(here, key), _who(here, person)
    _audit(here, "retraining approved", key, who, one.why)
    log.say(here.folder, one, request.APPROVED, {}, by=who)
    return who


def refuse(here: Here, person: str | None, key: str, why: str) -> str:
    """Refuse a request that waits; who did."""
    one, who = _waiting(here, key), _who(here, person)
    _audit(here, "retraining refused", key, who, why)
    log.say(here.folder, one, request.REFUSED, {"reason": why}, by=who)
    return who


def _waiting(here: Here, key: str) -> Request:
    known = log.read(here.folder).by_key
    if key not in known:
        waiting = ", ".join(one.key for one in known.values() if one.pending) or "none"
        raise UsageProblem(f"{here.contract.environment} has no request {key!r}; waiting: {waiting}")
    if not known[key].pending:
        raise UsageProblem(f"{key} is over: {known[key].outcome}")
    return known[key]


def _who(here: Here, person: str | None) -> str:
    """The login that acts, from the file that only this person can read; UsageProblem unless they may."""
    login = credentials.of(here.contract, person)
    if login is None:
        return credentials.acting(here.contract, None)
    if not set(login.roles) & set(inbox.MAY):
        raise UsageProblem(f"{login.identity} may not decide over trainings; who may: {', '.join(inbox.MAY)}")
    return login.login


def _audit(here: Here, action: str, key: str, who: str, why: str) -> None:
    audit.append(Path(here.contract.audit_uri), action, who, {"request": key, "why": why})
