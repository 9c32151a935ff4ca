"""Component Bucket: versioned, encrypted with a key of ours, by TLS only, never public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform.documents import policy

OLD_VERSIONS_DAYS = 90
"""How long what was overwritten or deleted can be brought back."""


class Bucket(Part):
    """A bucket and its policy. `arn` and `bucket_name` are known before it is made."""

    def __init__(
        self,
        name: str,
        *,
        bucket_name: str,
        key_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        statements: Sequence[Mapping[str, Any]] = (),
        document: Mapping[str, Any] | None = None,
        rules: Sequence[aws.s3.BucketRuleArgs] = (),
        protect: bool = False,
        stays: bool = False,
        opts: pulumi.ResourceOptions | None = None,
        **more: Any,
    ) -> None:
        """`statements` add to the bucket's policy, which `document` is in its place; `rules` add to what it removes.

        One that is protected cannot be destroyed; one that stays is left where it is when its stack is destroyed.
        `more` are further properties of the bucket.
        """
        super().__init__(name, opts)
        kept: dict[str, Any] = {"parent": self, "retain_on_delete": stays}
        self.bucket_name, self.arn = bucket_name, f"arn:aws:s3:::{bucket_name}"
        self.bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket_name=bucket_name,
            versioning_configuration=aws.s3.BucketVersioningConfigurationArgs(
                status=aws.s3.BucketVersioningConfigurationStatus.ENABLED
            ),
            bucket_encryption=_encrypted(key_arn),
            public_access_block_configuration=aws.s3.BucketPublicAccessBlockConfigurationArgs(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            ownership_controls=aws.s3.BucketOwnershipControlsArgs(
                rules=[
                    aws.s3.BucketOwnershipControlsRuleArgs(
                        object_ownership=aws.s3.BucketOwnershipControlsRuleObjectOwnership.BUCKET_OWNER_ENFORCED
                    )
                ]
            ),
            lifecycle_configuration=_tidied(rules),
            tags=tagged(tags),
            opts=pulumi.ResourceOptions(**kept, protect=protect),
            **more,
        )
        self.policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.bucket_name,
            policy_document=dict(document) if document else policy(tls_only(self.arn), *statements),
            opts=pulumi.ResourceOptions(**kept),
        )
        self.register_outputs({"bucket_name": bucket_name, "arn": self.arn})


def tls_only(arn: str) -> dict[str, Any]:
    """Refuse whoever does not speak TLS to the bucket."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _encrypted(key_arn: pulumi.Input[str]) -> aws.s3.BucketEncryptionArgs:
    return aws.s3.BucketEncryptionArgs(
        server_side_encryption_configuration=[
            aws.s3.BucketServerSideEncryptionRuleArgs(
                bucket_key_enabled=True,
                server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionByDefaultArgs(
                    sse_algorithm=aws.s3.BucketServerSideEncryptionByDefaultSseAlgorithm.AWSKMS,
                    kms_master_key_id=key_arn,
                ),
            )
        ]
    )


def _tidied(rules: Sequence[aws.s3.BucketRuleArgs]) -> aws.s3.BucketLifecycleConfigurationArgs:
    return aws.s3.BucketLifecycleConfigurationArgs(
        rules=[
            aws.s3.BucketRuleArgs(
                id="old-versions",
                status=aws.s3.BucketRuleStatus.ENABLED,
                noncurrent_version_expiration=aws.s3.BucketNoncurrentVersionExpirationArgs(
                    noncurrent_days=OLD_VERSIONS_DAYS
                ),
                abort_incomplete_multipart_upload=aws.s3.BucketAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=7
                ),
            ),
            *rules,
        ]
    )
