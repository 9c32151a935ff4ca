"""Component Trail: records who reads and writes audit logs, with files that show when they were altered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.bucket import Bucket
from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming


class Trail(Part):
    """A trail of the objects in audit buckets, and the bucket that it writes to."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        account: str,
        region: str,
        key_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.trail_name = naming.named(environment, "trail")
        bucket_name = naming.bucket(environment, "trail", account)
        trail_arn = f"arn:aws:cloudtrail:{region}:{account}:trail/{self.trail_name}"
        kept = Bucket(
            f"{name}-records",
            bucket_name=bucket_name,
            key_arn=key_arn,
            tags=tags,
            statements=_written_by(trail_arn, bucket_name, account),
            opts=self.child(),
        )
        self.trail = aws.cloudtrail.Trail(
            f"{name}-trail",
            trail_name=self.trail_name,
            s3_bucket_name=kept.bucket.bucket_name,
            kms_key_id=key_arn,
            is_logging=True,
            enable_log_file_validation=True,
            include_global_service_events=False,
            is_multi_region_trail=False,
            advanced_event_selectors=[_audit_objects()],
            tags=tagged(tags),
            opts=self.child(kept.policy),
        )
        self.register_outputs({"trail_name": self.trail_name})


def _audit_objects() -> aws.cloudtrail.TrailAdvancedEventSelectorArgs:
    field = aws.cloudtrail.TrailAdvancedFieldSelectorArgs
    return aws.cloudtrail.TrailAdvancedEventSelectorArgs(
        name="Objects of audit logs",
        field_selectors=[
            field(field="eventCategory", equals=["Data"]),
            field(field="resources.type", equals=["AWS::S3::Object"]),
            field(field="resources.ARN", starts_with=[f"arn:aws:s3:::{naming.AUDIT_BUCKETS}"]),
        ],
    )


def _written_by(trail_arn: str, bucket_name: str, account: str) -> list[dict[str, Any]]:
    """What the vendor's trails need of a bucket; for this one alone."""
    arn, only = f"arn:aws:s3:::{bucket_name}", {"aws:SourceArn": trail_arn}
    said = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    return [
        {
            "Sid": "TrailLooks",
            **said,
            "Action": "s3:GetBucketAcl",
            "Resource": arn,
            "Condition": {"StringEquals": only},
        },
        {
            "Sid": "TrailWrites",
            **said,
            "Action": "s3:PutObject",
            "Resource": f"{arn}/AWSLogs/{account}/*",
            "Condition": {"StringEquals": {**only, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]
