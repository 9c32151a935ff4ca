"""Opens the registry of an environment: that of its target, which is imported only then."""

from __future__ import annotations

from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.registry.port import Registry


def connect(contract: EnvironmentContract, credentials: Credentials | None) -> Registry:
    """The registry of one environment under one identity; credentials from `config.credentials.of`.

    On AWS there are none: the identity is that of the surroundings.
    """
    if contract.target == "aws":
        from aifactory_runtime.aws import registry as on_aws

        return on_aws.connect(contract)
    from aifactory_runtime.registry import mlflow as over_mlflow

    return over_mlflow.connect(contract, credentials)
