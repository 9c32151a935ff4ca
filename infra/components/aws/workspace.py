"""Component Workspace: what one use case has in one environment before anything runs: bucket, models, logs."""

from __future__ import annotations

import pulumi
import pulumi_aws_native as aws

from infra.components.aws import rights
from infra.components.aws.bucket import Bucket
from infra.components.aws.held import Resources
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""Days for which CloudWatch can keep logs."""


class Workspace(Part):
    """What releases write into, and nothing that they own."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        resources: Resources,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self.bucket = Bucket(
            f"{name}-data",
            bucket_name=settings.bucket,
            key_arn=settings.platform.kms_key_arn,
            tags=settings.tags,
            document=rights.bucket_policy(resources, settings.approvers, settings.readers),
            rules=lifecycle(settings),
            protect=protected(settings),
            opts=self.child(),
            notification_configuration=aws.s3.BucketNotificationConfigurationArgs(
                event_bridge_configuration=aws.s3.BucketEventBridgeConfigurationArgs(event_bridge_enabled=True)
            ),
        )
        self.models = aws.sagemaker.ModelPackageGroup(
            f"{name}-model",
            model_package_group_name=settings.name,
            tags=tagged(settings.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=protected(settings)),
        )
        self.logs = self._log_group("logs", settings.log_group)
        if settings.has_endpoint:
            self._log_group("endpoint-logs", settings.endpoint_log_group)
        self.register_outputs({"bucket": settings.bucket})

    def _log_group(self, part: str, log_group: str) -> aws.logs.LogGroup:
        settings = self._settings
        wanted = settings.manifest.settings(settings.environment)
        return aws.logs.LogGroup(
            f"{self._name}-{part}",
            log_group_name=log_group,
            retention_in_days=log_days(wanted.retention.events_days),
            kms_key_id=settings.platform.kms_key_arn,
            tags=tagged(settings.tags),
            opts=self.child(),
        )


def protected(settings: UseCaseSettings) -> bool:
    """Whether what holds data cannot be destroyed: prod has to be retired first."""
    return settings.environment == "prod" and settings.retired is None


def log_days(wanted: int) -> int:
    """The fewest days at least as many as wanted for which logs can be kept; beyond ten years, those."""
    return next((days for days in LOG_DAYS if days >= wanted), LOG_DAYS[-1])


def lifecycle(settings: UseCaseSettings) -> list[aws.s3.BucketRuleArgs]:
    """What the bucket removes by itself. Tables and logs of lines are not among it: `tidy` knows what of them stays.

    What the vendor captures of requests is one file each time, so it goes here when nothing has moved it.
    """
    retention = settings.manifest.settings(settings.environment).retention
    return [
        aws.s3.BucketRuleArgs(
            id="captured-requests",
            status=aws.s3.BucketRuleStatus.ENABLED,
            prefix=f"capture/{settings.name}/",
            expiration_in_days=retention.predictions_days,
        )
    ]
