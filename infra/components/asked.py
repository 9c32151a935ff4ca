"""What every target's use case is built from: the manifest, an environment, a day, and what follows from them."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from aifactory_runtime.contract import Manifest
from aifactory_runtime.contract.manifest import EnvironmentName
from infra.conventions import people


class Asked(BaseModel):
    """Which use case, where, and on which day: people's rights may have a last one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    manifest: Manifest
    environment: EnvironmentName
    today: date
    retired: str | None = None
    """Why the use case was stopped here; its data, access and models stay."""

    @property
    def place(self) -> tuple[str, str]:
        """Use case and environment, as every name is made of them."""
        return self.manifest.use_case, self.environment

    @property
    def approvers(self) -> tuple[str, ...]:
        """People who may approve here today."""
        return people.approvers(self.manifest, self.environment, self.today)

    @property
    def validators(self) -> tuple[str, ...]:
        """Those of them who may certify the gate here today."""
        return people.validators(self.manifest, self.environment, self.today)
