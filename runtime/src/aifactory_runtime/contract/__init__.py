"""The two contracts: the manifest a repo carries, what an environment tells it. Imports pydantic and cronsim only."""

from aifactory_runtime.contract.environment import ENVIRONMENT_VERSION, EnvironmentContract
from aifactory_runtime.contract.manifest import MANIFEST_VERSION, EnvironmentSettings, Manifest

__all__ = ["ENVIRONMENT_VERSION", "MANIFEST_VERSION", "EnvironmentContract", "EnvironmentSettings", "Manifest"]
