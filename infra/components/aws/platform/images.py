"""Component Images: the repository with the images of all use cases; a tag never gets other content."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import policy

UNTAGGED_DAYS = 30


class Images(Part):
    """One repository, which the accounts of all environments may pull from. Images are scanned when they come."""

    def __init__(
        self,
        name: str,
        *,
        account: str,
        key_arn: pulumi.Input[str],
        accounts: Sequence[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`accounts` are those of the environments, the repository's own among them or not."""
        super().__init__(name, opts)
        others = [f"arn:aws:iam::{one}:root" for one in accounts if one != account]
        pulled = {
            "Sid": "Pull",
            "Effect": "Allow",
            "Principal": {"AWS": others},
            "Action": ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }
        self.repository = aws.ecr.Repository(
            f"{name}-repository",
            repository_name=naming.REPOSITORY,
            image_tag_mutability=aws.ecr.RepositoryImageTagMutability.IMMUTABLE,
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configuration=aws.ecr.RepositoryEncryptionConfigurationArgs(
                encryption_type=aws.ecr.RepositoryEncryptionType.KMS, kms_key=key_arn
            ),
            lifecycle_policy=aws.ecr.RepositoryLifecyclePolicyArgs(lifecycle_policy_text=json.dumps(_untagged_go())),
            repository_policy_text=policy(pulled) if others else None,
            tags=tagged(tags),
            opts=self.child(),
        )
        self.uri: pulumi.Output[str] = self.repository.repository_uri
        self.register_outputs({"uri": self.uri})


def _untagged_go() -> dict[str, object]:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days"}
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": "What no tag names any more goes",
                "selection": {**selection, "countNumber": UNTAGGED_DAYS},
                "action": {"type": "expire"},
            }
        ]
    }
