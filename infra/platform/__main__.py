"""Program of the platform: the shared servers, or the folder of one environment, as the stack's settings say."""

from __future__ import annotations

from pathlib import Path

import pulumi

from infra.components.local.anchor import Anchor
from infra.components.local.dashboard import Dashboard
from infra.components.local.orchestrator import Orchestrator
from infra.components.local.part import ServerSettings
from infra.components.local.supervisor import Supervision
from infra.components.local.tracking import Tracking
from infra.conventions import names, tags
from infra.providers.local import layout, sdk


def shared(home: Path, python: Path) -> None:
    """One tracking server, one orchestrator, one dashboard, under one supervisor, for all environments."""
    settings = ServerSettings(home=home, tags=tags.of_platform(names.SHARED), python=python)
    supervision = Supervision("supervision", settings)
    tracking = Tracking("tracking", settings, supervision.process)
    anchor = Anchor("anchor", settings, tracking.server)
    orchestrator = Orchestrator("dagster", settings, supervision.process)
    dashboard = Dashboard("dashboard", settings, supervision.process, tracking)
    outputs: dict[str, pulumi.Input[str]] = {
        "tracking_uri": tracking.address,
        "registry_uri": tracking.address,
        "dagster_url": orchestrator.address,
        "dashboard_url": dashboard.address,
        "snapshot_uri": str(home / "snapshots"),
        "anchor_experiment": anchor.experiment_id,
    }
    sdk.File(
        "platform-outputs",
        path=str(layout.platform(home)),
        content=pulumi.Output.json_dumps(outputs, indent=2),
        opts=pulumi.ResourceOptions(depends_on=supervision.folders),
    )
    for key, value in outputs.items():
        pulumi.export(key, value)
    pulumi.export("supervisor_socket", supervision.socket)


def environment_folder(home: Path, environment: str) -> None:
    """Where the use cases of one environment lie."""
    carried = tags.of_platform(environment)
    folder = sdk.Folder(f"{environment}-ground", path=str(home / environment), tags=carried)
    sdk.Folder(f"{environment}-credentials", path=str(home / "credentials" / environment), tags=carried)
    pulumi.export("environment", environment)
    pulumi.export("folder", folder.path)


def main() -> None:
    """Read the settings and build what the stack is for."""
    config = pulumi.Config()
    home, environment = Path(config.require("home")), config.require("environment")
    if environment not in names.PLATFORM_STACKS:
        raise pulumi.RunError(f"environment: {environment} is none of {', '.join(names.PLATFORM_STACKS)}")
    if environment == names.SHARED:
        shared(home, Path(config.require("platformPython")))
    else:
        environment_folder(home, environment)


main()
