"""The programs of this machine: the shared servers, the folder of an environment, a use case in one environment."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pydantic import ValidationError

from aifactory_runtime.contract import Manifest
from infra.components.contract import contract, export, manifest_values
from infra.components.local.anchor import Anchor
from infra.components.local.cluster import Cluster, of_others
from infra.components.local.contract import places
from infra.components.local.dashboard import Dashboard
from infra.components.local.endpoint import Endpoint, EndpointSettings
from infra.components.local.orchestrator import Orchestrator
from infra.components.local.part import ServerSettings
from infra.components.local.record import Record
from infra.components.local.supervisor import Supervision
from infra.components.local.tracking import Tracking
from infra.components.local.workspace import Workspace
from infra.conventions import names, tags
from infra.policies.home_facts import measure
from infra.policies.manifest_rules import violations
from infra.providers.local import files, layout, sdk


def shared(config: pulumi.Config) -> None:
    """One tracking server, one orchestrator, one dashboard, under one supervisor, for all environments."""
    home = Path(config.require("home"))
    settings = ServerSettings(
        home=home, tags=tags.of_platform(names.SHARED), python=Path(config.require("platformPython"))
    )
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


def ground(config: pulumi.Config, environment: str) -> None:
    """Where the use cases of one environment lie."""
    home, carried = Path(config.require("home")), tags.of_platform(environment)
    folder = sdk.Folder(f"{environment}-ground", path=str(home / environment), tags=carried)
    sdk.Folder(f"{environment}-credentials", path=str(home / "credentials" / environment), tags=carried)
    pulumi.export("environment", environment)
    pulumi.export("folder", folder.path)


def use_case(config: pulumi.Config, manifest: Manifest, environment: str) -> None:
    """Workspace, scoring service if it has one, and the contract its repo reads, on the platform's outputs."""
    chosen = _settings(config, manifest, environment)
    _refuse_broken_rules(chosen)
    platform = _outputs_of_platform(chosen.home)
    workspace = Workspace("workspace", chosen, platform.get("anchor_experiment"))
    serves = chosen.manifest.serves and chosen.retired is None
    endpoint = Endpoint("endpoint", chosen) if serves else None
    compute = chosen.manifest.settings(chosen.environment).compute if chosen.retired is None else None
    cluster = Cluster("cluster", chosen, compute) if compute else None
    values = contract(
        {
            **places(chosen),
            **manifest_values(chosen),
            "tracking_uri": platform["tracking_uri"],
            "registry_uri": platform["registry_uri"],
            "snapshot_uri": platform["snapshot_uri"],
            "orchestrator_url": platform["dagster_url"],
            "dashboard_url": _dashboard(platform, chosen),
            "endpoint_url": endpoint.address if endpoint else None,
            "endpoint_token_file": workspace.token_file,
            **(cluster.values if cluster else of_others(chosen)),
        }
    )
    record = Record("record", chosen, values, workspace.folder)
    if endpoint:
        endpoint.serve(record.environment, workspace.folder)
    if cluster:
        cluster.launch(platform["snapshot_uri"], workspace.folder)
    export(values)


def _settings(config: pulumi.Config, manifest: Manifest, environment: str) -> EndpointSettings:
    try:
        return EndpointSettings.model_validate(
            {
                "home": config.require("home"),
                "tags": tags.of_use_case(manifest, environment),
                "manifest": manifest,
                "environment": environment,
                "today": config.require("today"),
                "python": config.require("launcherPython"),
                "retired": config.get("retired"),
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise pulumi.RunError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _refuse_broken_rules(chosen: EndpointSettings) -> None:
    """Stop before anything is made."""
    facts = measure(chosen.home, chosen.manifest, chosen.environment, chosen.today)
    broken = violations(chosen.manifest, chosen.environment, facts)
    if broken:
        raise pulumi.RunError("; ".join(map(str, broken)))


def _outputs_of_platform(home: Path) -> dict[str, str]:
    """What the shared stack wrote down for use cases.

    Not a stack reference: that decrypts the platform's whole state, which costs more than all else in a preview.
    """
    found = files.own_json(layout.platform(home))
    if not found:
        raise pulumi.RunError(f"there is no platform in {home} yet: factory up --platform brings it along")
    return found


def _dashboard(platform: dict[str, str], chosen: EndpointSettings) -> str | None:
    """Where the dashboard shows the use case; a home that was provisioned before there was one has none."""
    found = platform.get("dashboard_url")
    return None if found is None else f"{found}/{chosen.manifest.use_case}/{chosen.environment}/"
