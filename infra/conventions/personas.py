"""What each role may do in each environment; docs/interfaces.md shows the same table."""

from __future__ import annotations

from aifactory_runtime.contract import names

READ = "READ"
EDIT = "EDIT"

EXPERIMENT_AND_MODEL = {
    names.DATA_SCIENTIST: {"dev": EDIT, "staging": READ, "prod": READ},
    names.RELEASE: {"dev": EDIT, "staging": EDIT, "prod": EDIT},
    names.SERVICE: {"dev": READ, "staging": READ, "prod": READ},
    names.APPROVER: {"dev": READ, "staging": READ, "prod": READ},
}
"""Role to environment to permission on the experiment and the registered model of a use case."""

OWN_APPROVALS = EDIT
"""Permission of an approver on their own approvals experiment; nobody else may write it."""

ALL_APPROVALS = {names.RELEASE: READ}
"""Role to permission on everybody's approvals experiments."""

TOKEN_GUARDED = ("staging", "prod")
"""Environments whose scoring service asks for a token."""
