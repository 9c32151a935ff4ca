"""The table of kinds. A kind's module is imported when the first resource of it is seen."""

from __future__ import annotations

import importlib
from functools import cache

from infra.providers.local.kind import Kind

KINDS = {
    "File": "file",
    "Folder": "folder",
    "HashKeys": "hash_keys",
    "Membership": "membership",
    "MlflowExperiment": "mlflow_experiment",
    "MlflowRole": "mlflow_role",
    "MlflowUser": "mlflow_user",
    "PortLease": "port_lease",
    "RegisteredModel": "registered_model",
    "Service": "service",
    "Supervisor": "supervisor",
    "Token": "token_file",
}
"""Resource type to the module beside this one that holds the class of the same name."""


@cache
def load(name: str) -> Kind:
    """The kind called `name`; KeyError when there is none."""
    module = importlib.import_module(f"infra.providers.local.{KINDS[name]}")
    found: Kind = getattr(module, name)()
    return found
