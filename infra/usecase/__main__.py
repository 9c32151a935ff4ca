"""Program of a use case in one environment: workspace, scoring service if it has one, the contract its repo reads."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pydantic import ValidationError

from aifactory_runtime.contract import EnvironmentContract, Manifest, names
from infra.components.local.contract import contract, manifest_values, places
from infra.components.local.endpoint import Endpoint, EndpointSettings
from infra.components.local.record import Record
from infra.components.local.workspace import Workspace
from infra.conventions import tags
from infra.policies.home_facts import measure
from infra.policies.manifest_rules import violations
from infra.providers.local import files, layout


def settings() -> EndpointSettings:
    """The stack's settings, checked."""
    config = pulumi.Config()
    environment = config.require("environment")
    if environment not in names.ENVIRONMENTS:
        raise pulumi.RunError(f"environment: {environment} is none of {', '.join(names.ENVIRONMENTS)}")
    try:
        manifest = Manifest.model_validate_json(config.require("manifest"))
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
        raise pulumi.RunError(f"{'.'.join(map(str, first['loc'])) or 'manifest'}: {first['msg']}") from None


def refuse_broken_rules(chosen: EndpointSettings) -> None:
    """Stop before anything is made."""
    facts = measure(chosen.home, chosen.manifest, chosen.environment, chosen.today)
    broken = violations(chosen.manifest, chosen.environment, facts)
    if broken:
        raise pulumi.RunError("; ".join(map(str, broken)))


def outputs_of_platform(home: Path) -> dict[str, str]:
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


def main() -> None:
    """Build the use case on the platform's outputs and export its environment contract, field by field."""
    chosen = settings()
    refuse_broken_rules(chosen)
    platform = outputs_of_platform(chosen.home)
    workspace = Workspace("workspace", chosen, platform.get("anchor_experiment"))
    serves = chosen.manifest.serves and chosen.retired is None
    endpoint = Endpoint("endpoint", chosen) if serves else None
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
        }
    )
    record = Record("record", chosen, values, workspace.folder)
    if endpoint:
        endpoint.serve(record.environment, workspace.folder)
    for key in EnvironmentContract.model_fields:
        pulumi.export(key, values[key])


main()
