"""Component Audit: the bucket of the audit log, whose lines nobody can change or remove before their time."""

from __future__ import annotations

import pulumi
import pulumi_aws_native as aws

from infra.components.aws import rights
from infra.components.aws.bucket import Bucket
from infra.components.aws.held import Resources
from infra.components.aws.part import Part
from infra.components.aws.settings import UseCaseSettings
from infra.components.aws.workspace import protected


class Audit(Part):
    """A bucket of its own, as Object Lock holds for a whole bucket. Destroying the environment leaves it."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        resources: Resources,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        days = settings.manifest.settings(settings.environment).retention.audit_days
        self.bucket = Bucket(
            f"{name}-log",
            bucket_name=settings.audit_bucket,
            key_arn=settings.platform.kms_key_arn,
            tags=settings.tags,
            document=rights.audit_bucket_policy(resources),
            protect=protected(settings),
            stays=True,
            opts=self.child(),
            object_lock_enabled=True,
            object_lock_configuration=aws.s3.BucketObjectLockConfigurationArgs(
                object_lock_enabled="Enabled",
                rule=aws.s3.BucketObjectLockRuleArgs(
                    default_retention=aws.s3.BucketDefaultRetentionArgs(
                        mode=aws.s3.BucketDefaultRetentionMode.GOVERNANCE, days=days
                    )
                ),
            ),
        )
        self.register_outputs({"bucket": settings.audit_bucket})
