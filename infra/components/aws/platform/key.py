"""Component Key: what everything of an environment is encrypted with, rotated each year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform.documents import policy

WAIT_DAYS = 30
"""How long a destroyed key can be brought back; until then all that it encrypted can be read again."""
_USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


class Key(Part):
    """One key with an alias. Rights to use it come from the policies of roles in its account."""

    def __init__(
        self,
        name: str,
        *,
        alias: str,
        account: str,
        region: str,
        tags: Mapping[str, str],
        others: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`others` are accounts that may use the key, too."""
        super().__init__(name, opts)
        self.key = aws.kms.Key(
            f"{name}-key",
            description=alias.removeprefix("alias/"),
            enable_key_rotation=True,
            pending_window_in_days=WAIT_DAYS,
            key_policy=key_policy(account, region, others),
            tags=tagged(tags),
            opts=self.child(),
        )
        self.arn: pulumi.Output[str] = self.key.arn
        aws.kms.Alias(f"{name}-alias", alias_name=alias, target_key_id=self.key.key_id, opts=self.child())
        self.register_outputs({"arn": self.arn})


def key_policy(account: str, region: str, others: Sequence[str] = ()) -> dict[str, Any]:
    """Who may do what with the key: the account's administrators, and services for what is of this account."""
    own = {"StringEquals": {"aws:SourceAccount": account}}
    statements: list[dict[str, Any]] = [
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
            "Action": [*_USE],
            "Resource": "*",
            "Condition": {
                "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}
            },
        },
        {
            "Sid": "Notices",
            "Effect": "Allow",
            "Principal": {
                "Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"],
            },
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": own,
        },
        {
            "Sid": "Trail",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["kms:DescribeKey", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": own,
        },
    ]
    if others:
        statements.append(
            {
                "Sid": "OtherAccounts",
                "Effect": "Allow",
                "Principal": {"AWS": [f"arn:aws:iam::{one}:root" for one in others]},
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
            }
        )
    return policy(*statements)
