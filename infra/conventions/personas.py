"""What each persona and identity may do in each environment; docs/access.md shows the same table."""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_runtime.contract import names

READ = "READ"
EDIT = "EDIT"


@dataclass(frozen=True)
class Rights:
    """What somebody may do in one environment of a use case."""

    experiment: str | None
    """Permission on the runs at the tracking server; none means they are not seen."""
    model: str
    """Permission on the registered model."""
    token: bool = False
    """Whether they get a token of their own for the scoring service, where it asks for one."""
    standing: bool = True
    """Whether they hold as long as the person is listed. If not, the environment is named, with a last day."""


_MAKES = Rights(EDIT, EDIT)
_FEEDS = Rights(EDIT, READ)
_READS = Rights(READ, READ)
_CALLS = Rights(READ, READ, token=True)
_LOOKS_IN = Rights(READ, READ, standing=False)
_CALLS_FOR_A_TIME = Rights(READ, READ, token=True, standing=False)
_HEARS = Rights(None, READ)


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


PERSONAS = {
    "data-engineer": Persona("feeds and checks the data", _FEEDS, _READS, _LOOKS_IN),
    names.DATA_SCIENTIST: Persona("explores, trains, compares", _MAKES, _CALLS, _LOOKS_IN),
    "ml-engineer": Persona("makes pipelines and releases work", _MAKES, _CALLS, _CALLS_FOR_A_TIME),
    "ai-engineer": Persona("puts models into products", _FEEDS, _CALLS, _CALLS_FOR_A_TIME),
    "software-engineer": Persona("calls the service from an application", _READS, _CALLS, _CALLS_FOR_A_TIME),
    names.DOMAIN_EXPERT: Persona("knows what the figures mean, says what came true", _READS, _CALLS, _CALLS_FOR_A_TIME),
    names.MODEL_VALIDATOR: Persona("judges a release, and approves it where that is asked", _READS, _CALLS, _READS),
    "operator": Persona("keeps the services running", None, _CALLS, _CALLS),
    "stakeholder": Persona("decides with the results", None, _HEARS, _HEARS),
}
"""Persona to its rights. Prod's runs and answers are for those named, for a limited time."""

IDENTITIES = {
    names.RELEASE: Persona("trains on schedule and releases", _MAKES, _MAKES, _MAKES),
    names.SERVICE: Persona("fetches the model that it serves", _READS, _READS, _READS),
    names.APPROVER: Persona("approves releases by writing their own approvals experiment", _READS, _READS, _READS),
}
"""What no person is by themselves: two machines' logins, and the role that comes with being asked for approval."""

OWNER = names.DATA_SCIENTIST
"""The owner's persona, in every environment and without an end."""

PROD_DAYS = 92
"""For how many days at most rights in prod that do not stand are given at a time."""

OWN_APPROVALS = EDIT
"""Permission of an approver on their own approvals experiment; nobody else may write it."""

ALL_APPROVALS = {names.RELEASE: READ}
"""Role to permission on everybody's approvals experiments."""

OWN_ANCHOR = EDIT
"""Permission of the home's identity `anchor` on its own experiment: it has no other, and nobody else may write it."""

SEES_ANCHORED = READ
"""Permission on that experiment of every role that sees an environment's runs: `audit` compares with what is there."""

TOKEN_GUARDED = ("staging", "prod")
"""Environments whose scoring service asks for a token."""


def rights(role: str, environment: str) -> Rights:
    """What a role may do in an environment where it has rights; KeyError where it has none."""
    found = (PERSONAS | IDENTITIES)[role].rights(environment)
    if found is None:
        raise KeyError(f"{role} in {environment}")
    return found
