"""One environment as a release sees it: contract, registry under the release login, served folder, audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.config import credentials
from aifactory_runtime.config.project import Project, load
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.snapshots.snapshot import Snapshots
from aifactory_runtime.registry.port import Registry
from aifactory_runtime.serving.document import ServingFolder


@dataclass(frozen=True)
class Side:
    """One environment of a project, opened for a release."""

    project: Project
    registry: Registry
    who: str

    @property
    def contract(self) -> EnvironmentContract:
        """What the environment says of itself."""
        return self.project.environment.contract

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.contract.environment

    @property
    def embedded(self) -> bool:
        """Whether this is the default of a repo with nothing provisioned: no logins, no snapshots, no launcher."""
        return self.name == names.EMBEDDED

    @property
    def serving(self) -> ServingFolder:
        """What the environment serves."""
        return ServingFolder(Path(self.contract.release_uri))

    @property
    def snapshots(self) -> Snapshots:
        """Released code."""
        return Snapshots(Path(self.contract.snapshot_uri), self.contract.use_case, self.name)

    def refuse_retired(self) -> None:
        """FactoryError when the use case was stopped here: nothing may start to serve by the way."""
        if self.contract.retired is not None:
            raise FactoryError(
                f"{self.contract.use_case} is retired in {self.name} ({self.contract.retired}): "
                f"factory up {self.name} --revive brings it back"
            )

    def audit(self, action: str, facts: Mapping[str, Any]) -> None:
        """Add a line to the environment's audit log."""
        log.append(Path(self.contract.audit_uri), action, self.who, facts)


def source_of(target: Side) -> str:
    """The environment that a release to `target` takes its candidate from: to staging goes what was trained."""
    trained: str = target.contract.train_in
    return {"staging": trained, "prod": "staging"}.get(target.name, target.name)


def open_side(root: Path, environment: str | None, who: str = names.RELEASE) -> Side:
    """An environment of the project at `root` (None: the one in use), with the login of release, or of `who`."""
    from aifactory_runtime.registry.connect import connect

    project = load(root, environment)
    contract = project.environment.contract
    login = credentials.of(contract, who)
    return Side(project, connect(contract, login), credentials.acting(contract, login))
