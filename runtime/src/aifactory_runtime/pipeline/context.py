"""What every step needs: the project, its environment, what the run is made from, and, on demand, the registry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aifactory_runtime.config import credentials
from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.config.project import Project
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.gate import metrics
from aifactory_runtime.gate.metrics import Metric
from aifactory_runtime.pipeline.executing import Session
from aifactory_runtime.pipeline.reproduction import provenance
from aifactory_runtime.pipeline.reproduction.provenance import Provenance
from aifactory_runtime.storage import place
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    from aifactory_runtime.registry.port import Registry


@dataclass(frozen=True)
class Context:
    """One project against one environment, for the time of one process."""

    project: Project

    @property
    def contract(self) -> EnvironmentContract:
        """The environment."""
        return self.project.environment.contract

    @property
    def settings(self) -> Settings:
        """Settings under conf/."""
        return self.project.settings

    @property
    def metric(self) -> Metric:
        """The figure that decides; UsageProblem when the settings name one of another problem."""
        return metrics.chosen(self.settings.gate.metric, self.project.manifest.problem)

    @property
    def tables(self) -> Place:
        """Folder of the Delta tables."""
        return place.at(self.contract.data_uri)

    @property
    def artifacts(self) -> Place:
        """Folder of runs and reports."""
        return place.at(self.contract.artifact_uri)

    @cached_property
    def made_from(self) -> Provenance:
        """Commit and digests, collected once."""
        return provenance.collect(self.project.root, self.project.manifest.package)

    @cached_property
    def session(self) -> Session:
        """Where partitions are computed; see `executing.of`."""
        return Session(self)

    @cached_property
    def login(self) -> Credentials | None:
        """The environment's own identity; None where it asks for none."""
        return credentials.of(self.contract)

    @cached_property
    def registry(self) -> Registry:
        """Tracking and registry, as the environment's own identity."""
        from aifactory_runtime.registry.connect import connect

        return connect(self.contract, self.login)
