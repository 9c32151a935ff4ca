"""The tags that everything carries, so that each thing can be put down to a use case, an owner and a cost centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aifactory_runtime.contract import Manifest

MANDATORY = (
    "use_case",
    "environment",
    "owner",
    "team",
    "cost_center",
    "data_classification",
    "risk",
    "compliance",
    "managed_by",
)
MANAGED_BY = "aifactory"
COMPLIANCE = {"required": "approved-by-a-person", "none": "judged-by-the-gate"}
"""Who answers for what is released there, by the manifest's `approval`."""


def of_use_case(manifest: Manifest, environment: str) -> dict[str, str]:
    """Tags of what one use case has in one environment."""
    return {
        "use_case": manifest.use_case,
        "environment": environment,
        "owner": manifest.owner,
        "team": manifest.team,
        "cost_center": manifest.cost_center,
        "data_classification": manifest.data_classification,
        "risk": manifest.risk,
        "compliance": COMPLIANCE[manifest.settings(environment).approval],
        "managed_by": MANAGED_BY,
    }


def of_platform(environment: str) -> dict[str, str]:
    """Tags of what all use cases share."""
    return {
        "use_case": "platform",
        "environment": environment,
        "owner": "platform",
        "team": "platform",
        "cost_center": "platform",
        "data_classification": "internal",
        "risk": "low",
        "compliance": COMPLIANCE["none"],
        "managed_by": MANAGED_BY,
    }
