"""The kinds of events: how bad each is, which persona takes care of it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aifactory_runtime.contract import names

Severity = Literal["warning", "critical"]
"""A warning leaves everything running; what is critical has stopped something."""

GATE_REFUSED = "gate_refused"
NOT_CONVERGED = "not_converged"
QUOTA_NEAR = "quota_near"
QUOTA_USED_UP = "quota_used_up"

_SCIENTIST: names.Persona = "data-scientist"


@dataclass(frozen=True)
class Kind:
    """One kind of event, and when the problem that it tells of is over."""

    name: str
    severity: Severity
    owner: names.Persona
    what_to_do: str
    closed_by: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            GATE_REFUSED,
            "warning",
            _SCIENTIST,
            "read the reasons in the run's gate.json, then change data, features or model",
            "a candidate is registered",
        ),
        Kind(
            NOT_CONVERGED,
            "warning",
            _SCIENTIST,
            "give the training more steps, scale the columns, or change train.parameters in conf/",
            "a training converges",
        ),
        Kind(
            QUOTA_NEAR,
            "warning",
            _SCIENTIST,
            "raise the quota in factory.yaml and run factory up, or use less: at 100 % no pipeline begins",
            "a pipeline begins and less than 80 % is taken, or the quota is used up",
        ),
        Kind(
            QUOTA_USED_UP,
            "critical",
            _SCIENTIST,
            "raise the quota in factory.yaml and run factory up, remove what is not needed, or wait for the next month",
            "a pipeline begins and there is room again; that of compute also at the end of the month",
        ),
    )
}
"""Every kind that this runtime writes, by its name."""


def of(name: str) -> Kind:
    """The kind called `name`; a newer runtime may have written one that is not in the table."""
    unknown = "a newer version of the factory wrote this: see its docs/events.md"
    return KINDS.get(name) or Kind(name, "warning", _SCIENTIST, unknown, "as that version says")
