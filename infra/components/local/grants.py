"""Rights on this machine: what a persona may do, as the tracking server and the scoring service know it."""

from __future__ import annotations

from dataclasses import dataclass

from aifactory_runtime.contract import names
from infra.conventions import personas
from infra.conventions.personas import Capability

READ = "READ"
EDIT = "EDIT"

OWN_APPROVALS = EDIT
"""Permission of an approver on their own approvals experiment; nobody else may write it."""

ALL_APPROVALS = {names.RELEASE: READ}
"""Role to permission on everybody's approvals experiments."""

OWN_ANCHOR = EDIT
"""Permission of the home's identity `anchor` on its own experiment: it has no other, and nobody else may write it."""

SEES_ANCHORED = READ
"""Permission on that experiment of every role that sees an environment's runs: `audit` compares with what is there."""


@dataclass(frozen=True)
class Grants:
    """Permissions at the tracking server, and whether there is a token for the scoring service."""

    experiment: str | None
    """Permission on the runs; none means they are not seen."""
    model: str
    """Permission on the registered model."""
    token: bool
    """Whether they get a token of their own for the scoring service, where it asks for one."""


def grants(role: str, environment: str) -> Grants:
    """What a role gets in an environment where it has rights; KeyError where it has none."""
    may = personas.rights(role, environment).may
    experiment = EDIT if Capability.WRITE_RUNS in may else READ
    return Grants(
        experiment=experiment if Capability.SEE_RUNS in may else None,
        model=EDIT if Capability.REGISTER in may else READ,
        token=personas.has_token(role, environment),
    )
