"""What the roles of a use case get rights on: its own resources by name, before any of them is made."""

from __future__ import annotations

from infra.components.aws.held import Resources
from infra.components.aws.notices import called
from infra.components.aws.settings import UseCaseSettings
from infra.conventions import names


def resources(settings: UseCaseSettings) -> Resources:
    """Everything of this use case in this environment that a role may be given rights on."""
    platform = settings.platform
    return Resources(
        use_case=settings.manifest.use_case,
        environment=settings.environment,
        account=platform.account,
        region=platform.region,
        bucket=settings.bucket,
        audit_bucket=settings.audit_bucket,
        kms_key=platform.kms_key_arn,
        package_group=settings.name,
        endpoint=settings.name,
        pipeline=settings.name,
        mlflow_app=platform.mlflow_arn,
        log_group=settings.log_group,
        repository=settings.repository_arn,
        boundary=platform.boundary_arn,
        platform_bucket=platform.bucket,
        state_key=settings.state_keys,
        sources=settings.sources,
        earlier_bucket=settings.earlier_bucket,
        earlier_kms_key=None if settings.earlier is None else settings.earlier.kms_key_arn,
        topics=tuple(settings.arn("sns", names.fitted("sns-topic", *settings.place, one)) for one in called(settings)),
    )
