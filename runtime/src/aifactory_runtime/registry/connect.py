"""Opens the registry of an environment: that of its target, which is imported only then."""

from __future__ import annotations

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.port import Registry


def connect(contract: EnvironmentContract, credentials: Credentials | None) -> Registry:
    """The registry of one environment under one identity; credentials from `config.credentials.of`."""
    if contract.target != "local":
        raise UsageProblem(f"{contract.environment} lies on {contract.target}, for which there is no registry yet")
    from aifactory_runtime.registry import mlflow as over_mlflow

    return over_mlflow.connect(contract, credentials)
