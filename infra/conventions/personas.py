"""What each persona and identity may do in each environment; docs/access.md shows the same table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from aifactory_runtime.contract import names


class Capability(StrEnum):
    """Something that a persona or identity may do; what that takes is each target's own."""

    SEE_RUNS = "see runs"
    """Runs, their reports and pages, and the audit log."""
    WRITE_RUNS = "write runs"
    SEE_MODELS = "see models"
    REGISTER = "register models"
    RELEASE = "release"
    """Put a registered model into service, take it back, say which version is the champion."""
    SEE_APPROVALS = "see approvals"
    APPROVE = "approve"
    """Write approvals, in one's own name only."""
    CALL = "call the service"
    READ_DATA = "read data"
    """Tables, and what was recorded of requests."""
    WRITE_DATA = "write data"
    FEED_LABELS = "feed labels"
    RUN_PIPELINES = "run pipelines"
    ASK_RETRAINING = "ask for retraining"
    SEE_LOGS = "see logs"
    """Logs, metrics and alarms."""
    SEE_COST = "see cost"
    SERVE = "serve"
    """Fetch the model that is served, and record what is asked of it."""


@dataclass(frozen=True)
class Rights:
    """What somebody may do in one environment of a use case."""

    may: frozenset[Capability]
    standing: bool = True
    """Whether they hold as long as the person is listed. If not, the environment is named, with a last day."""


_Can = Capability
_SEES = frozenset({_Can.SEE_RUNS, _Can.SEE_MODELS})
_STEERS = frozenset({_Can.ASK_RETRAINING, _Can.SEE_LOGS})
_TRAINS = _SEES | {_Can.WRITE_RUNS, _Can.REGISTER, _Can.READ_DATA, _Can.WRITE_DATA, _Can.RUN_PIPELINES}


def _rights(*may: Capability, also: frozenset[Capability] = _SEES) -> Rights:
    return Rights(also | frozenset(may))


def _for_a_time(rights: Rights) -> Rights:
    return replace(rights, standing=False)


@dataclass(frozen=True)
class Persona:
    """What a person does, and what for they may do in each environment; none means they have no login there."""

    does: str
    dev: Rights | None
    staging: Rights | None
    prod: Rights | None

    def rights(self, environment: str) -> Rights | None:
        """What they may do there."""
        found: Rights | None = getattr(self, environment)
        return found

    @property
    def standing(self) -> tuple[str, ...]:
        """Environments that a person is in without naming them."""
        return tuple(name for name in names.ENVIRONMENTS if (found := self.rights(name)) and found.standing)

    @property
    def anywhere(self) -> tuple[str, ...]:
        """Environments that a person may be in at all."""
        return tuple(name for name in names.ENVIRONMENTS if self.rights(name))


_FEEDS_DATA = _rights(_Can.READ_DATA, _Can.SEE_LOGS)
_LOOKS_IN = _rights(_Can.READ_DATA, also=_SEES | _STEERS)
_MAKES = _rights(_Can.CALL, _Can.SEE_COST, also=_TRAINS | _STEERS)
_TRIES_OUT = _rights(_Can.CALL, _Can.READ_DATA, _Can.SEE_COST, also=_SEES | _STEERS)
_BUILDS_IN = _rights(_Can.CALL, _Can.SEE_LOGS)
_CALLS = _rights(_Can.CALL)
_LABELS = _rights(_Can.CALL, _Can.FEED_LABELS)
_VALIDATES = _rights(_Can.SEE_APPROVALS, _Can.SEE_LOGS)
_OPERATES = _rights(_Can.CALL, _Can.SEE_COST, also=_SEES | _STEERS)
_DECIDES = _rights(_Can.SEE_MODELS, _Can.SEE_COST, also=frozenset())
_TRAINS_AND_RELEASES = _rights(_Can.RELEASE, _Can.SEE_APPROVALS, _Can.CALL, _Can.SEE_LOGS, also=_TRAINS)

PERSONAS = {
    "data-engineer": Persona(
        "feeds and checks the data",
        _rights(_Can.WRITE_RUNS, _Can.READ_DATA, _Can.WRITE_DATA, _Can.RUN_PIPELINES, _Can.SEE_LOGS),
        _FEEDS_DATA,
        _for_a_time(_FEEDS_DATA),
    ),
    names.DATA_SCIENTIST: Persona("explores, trains, compares", _MAKES, _TRIES_OUT, _for_a_time(_LOOKS_IN)),
    "ml-engineer": Persona("makes pipelines and releases work", _MAKES, _TRIES_OUT, _for_a_time(_TRIES_OUT)),
    "ai-engineer": Persona(
        "puts models into products",
        _rights(_Can.WRITE_RUNS, _Can.CALL, _Can.SEE_LOGS),
        _BUILDS_IN,
        _for_a_time(_BUILDS_IN),
    ),
    "software-engineer": Persona(
        "calls the service from an application", _BUILDS_IN, _BUILDS_IN, _for_a_time(_BUILDS_IN)
    ),
    names.DOMAIN_EXPERT: Persona(
        "knows what the figures mean, says what came true", _LABELS, _LABELS, _for_a_time(_LABELS)
    ),
    names.MODEL_VALIDATOR: Persona(
        "judges a release, and approves it where that is asked",
        _VALIDATES,
        _rights(_Can.SEE_APPROVALS, _Can.SEE_LOGS, _Can.CALL),
        _VALIDATES,
    ),
    "operator": Persona("keeps the services running", None, _OPERATES, _OPERATES),
    "stakeholder": Persona("decides with the results", None, _DECIDES, _DECIDES),
}
"""Persona to its rights. Prod's runs, data and answers are for those named, for a limited time."""

_SERVES = _rights(_Can.SERVE)
_APPROVES = _rights(_Can.APPROVE, _Can.SEE_APPROVALS)

IDENTITIES = {
    names.RELEASE: Persona(
        "trains on schedule and releases", _TRAINS_AND_RELEASES, _TRAINS_AND_RELEASES, _TRAINS_AND_RELEASES
    ),
    names.SERVICE: Persona("fetches the model that it serves", _SERVES, _SERVES, _SERVES),
    names.APPROVER: Persona(
        "approves releases by writing their own approvals experiment", _APPROVES, _APPROVES, _APPROVES
    ),
}
"""What no person is by themselves: two machines' logins, and the role that comes with being asked for approval."""

OWNER = names.DATA_SCIENTIST
"""The owner's persona, in every environment and without an end."""

PROD_DAYS = 92
"""For how many days at most rights in prod that do not stand are given at a time."""

TOKEN_GUARDED = ("staging", "prod")
"""Environments whose scoring service asks for a token."""


def rights(role: str, environment: str) -> Rights:
    """What a role may do in an environment where it has rights; KeyError where it has none."""
    found = (PERSONAS | IDENTITIES)[role].rights(environment)
    if found is None:
        raise KeyError(f"{role} in {environment}")
    return found


def has_token(role: str, environment: str) -> bool:
    """Whether a person of this role gets a token for the scoring service, as its callers there need one."""
    calls = Capability.CALL in rights(role, environment).may
    return calls and environment in TOKEN_GUARDED and role in PERSONAS
