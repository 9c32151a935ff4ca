"""Component Record: the files that say what was applied, for the orchestrator and for what runs as `service`."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from aifactory_runtime.contract import names as agreed
from infra.components.local.part import Part
from infra.components.local.workspace import WorkspaceSettings
from infra.conventions import names
from infra.providers.local import sdk


class Record(Part):
    """Written for every use case, whether a service answers or only tables are scored."""

    environment: sdk.File
    """The environment contract as the `service` identity sees it."""

    def __init__(
        self,
        name: str,
        settings: WorkspaceSettings,
        contract: pulumi.Output[dict[str, Any]],
        folder: sdk.Folder,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        # Without what nobody set: a tool from before a key knows no such key, and refuses those it does not know.
        manifest = settings.manifest.model_dump(mode="json", by_alias=True, exclude_unset=True)
        sdk.File(
            f"{name}-applied",
            path=str(settings.home / "usecases" / f"{names.service(*settings.place)}.json"),
            content=contract.apply(lambda values: _json({"manifest": manifest, "environment": values})),
            opts=self.child(folder),  # so that it goes first: from then on the orchestrator starts nothing there
        )
        credentials = str(settings.credentials / f"{agreed.SERVICE}.json")
        identity = {"identity": agreed.SERVICE, "credentials_file": credentials}
        self.environment = sdk.File(
            f"{name}-environment",
            path=str(settings.folder / "environment.json"),
            content=contract.apply(lambda values: _json({**values, **identity})),
            opts=self.child(folder),
        )
        self.register_outputs({"environment": self.environment.path})


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"
