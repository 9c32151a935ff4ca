"""What an environment contract says of AWS."""

from __future__ import annotations

from typing import Any

import pulumi

from aifactory_runtime.contract import names as agreed
from infra.components.aws.settings import UseCaseSettings

_PREFIXES = {
    "data_uri": "tables",
    "artifact_uri": "artifacts",
    "capture_uri": "capture",
    "release_uri": "serving",
    "snapshot_uri": "snapshots",
    "events_uri": "events",
    "inbox_uri": "inbox",
    "triggers_uri": "triggers",
    "registry_uri": "models",
}


def places(settings: UseCaseSettings) -> dict[str, Any]:
    """Names and addresses that follow from use case, environment and what the platform told."""
    platform = settings.platform
    return {
        "use_case": settings.manifest.use_case,
        "environment": settings.environment,
        "target": settings.manifest.target,
        "identity": settings.manifest.owner,
        "experiment": agreed.experiment(*settings.place),
        "model_name": settings.name,
        **{key: f"s3://{settings.bucket}/{prefix}" for key, prefix in _PREFIXES.items()},
        "audit_uri": f"s3://{settings.audit_bucket}/audit",
        "logs_uri": f"cloudwatch:{settings.log_group}",
        "tracking_uri": platform.mlflow_url,
        "region": platform.region,
        "account": platform.account,
        "endpoint_name": settings.name if settings.has_endpoint else None,
        "pipeline_name": settings.name,
        "image_uri": platform.repository_uri,
        "kms_key": platform.kms_key_arn,
    }


def values(
    settings: UseCaseSettings,
    job_role: pulumi.Input[str],
    service_role: pulumi.Input[str],
    endpoint_url: str | None,
    dashboard_url: str,
) -> dict[str, pulumi.Input[Any]]:
    """Places, and what was made."""
    return {
        **places(settings),
        "job_role": job_role,
        "service_role": service_role,
        "endpoint_url": endpoint_url,
        "dashboard_url": dashboard_url,
    }
