"""Component Notices: the topic that failures and budgets of an environment are told to, and who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged
from infra.components.aws.platform import naming
from infra.components.aws.platform.documents import policy

TELLING = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com")


class Notices(Part):
    """An encrypted topic; each address gets a mail that asks whether it wants to hear of it."""

    def __init__(
        self,
        name: str,
        *,
        environment: str,
        account: str,
        region: str,
        key_arn: pulumi.Input[str],
        addresses: Sequence[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        called = naming.named(environment, "notices")
        self.topic = aws.sns.Topic(
            f"{name}-topic",
            topic_name=called,
            display_name=f"AI Factory, {environment}",
            kms_master_key_id=key_arn,
            tags=tagged(tags),
            opts=self.child(),
        )
        self.arn: pulumi.Output[str] = self.topic.topic_arn
        arn = f"arn:aws:sns:{region}:{account}:{called}"
        self.policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            topics=[self.arn],
            policy_document=policy(
                {
                    "Sid": "Services",
                    "Effect": "Allow",
                    "Principal": {"Service": [*TELLING]},
                    "Action": "sns:Publish",
                    "Resource": arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ),
            opts=self.child(),
        )
        for address in addresses:
            aws.sns.Subscription(
                f"{name}-{address.replace('@', '-at-')}",
                topic_arn=self.arn,
                protocol="email",
                endpoint=address,
                opts=self.child(),
            )
        self.register_outputs({"arn": self.arn})
