"""Component Boundary: the most that any role of the factory in an environment may ever be given."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import policy

SERVICES = (
    *("sagemaker", "sagemaker-mlflow", "s3", "kms", "logs", "cloudwatch", "events", "scheduler", "sns", "sqs", "ecr"),
    *("application-autoscaling", "ce", "budgets"),
)
WORLDWIDE = ("ce:*", "budgets:*", "sts:*", "s3:*")
"""What has no region of its own, or is asked for across regions."""


class Boundary(Part):
    """A managed policy, which grants nothing: a role may do what its own policies and this one both allow."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        account: str,
        region: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.policy = aws.iam.ManagedPolicy(
            f"{name}-policy",
            managed_policy_name=naming.named(environment, "boundary"),
            description=f"Bounds every role of the AI Factory in {environment}",
            policy_document=boundary(environment, account, region),
            opts=self.child(),
        )
        self.arn: pulumi.Output[str] = self.policy.policy_arn
        self.register_outputs({"arn": self.arn})


def boundary(environment: str, account: str, region: str) -> dict[str, Any]:
    """The services of machine learning in one region; nobody may make identities, or undo what watches them."""
    platform = f"arn:aws:s3:::{naming.named(environment, 'trail')}-{account}"
    return policy(
        {
            "Sid": "Services",
            "Effect": "Allow",
            "Action": [*(f"{service}:*" for service in SERVICES), "sts:AssumeRole", "sts:GetCallerIdentity", *_NETWORK],
            "Resource": "*",
        },
        {
            "Sid": "PassToServices",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": f"arn:aws:iam::{account}:role/aifactory-*",
            "Condition": {
                "StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com", "scheduler.amazonaws.com"]}
            },
        },
        {
            "Sid": "OneRegion",
            "Effect": "Deny",
            "NotAction": [*WORLDWIDE, "iam:PassRole"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": region}},
        },
        {
            "Sid": "WatchedStays",
            "Effect": "Deny",
            "Action": [
                *("kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"),
                *(
                    "s3:DeleteBucket",
                    "s3:DeleteBucketPolicy",
                    "s3:PutBucketPolicy",
                    "s3:PutBucketObjectLockConfiguration",
                ),
                *("s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration", "s3:PutBucketVersioning"),
                *("s3:BypassGovernanceRetention", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy"),
                *("budgets:ModifyBudget", "sns:DeleteTopic", "ecr:DeleteRepository", "ecr:PutImageTagMutability"),
                *("sagemaker:DeleteMlflowApp", "sagemaker:DeleteDomain"),
            ],
            "Resource": "*",
        },
        {"Sid": "TrailStays", "Effect": "Deny", "Action": "s3:*", "Resource": [platform, f"{platform}/*"]},
    )


_NETWORK = (
    *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
    *("ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"),
    *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
)
"""What jobs in the private network need."""
