"""Component Notices: a topic for each person who is called, and mail to those whose address the manifest holds."""

from __future__ import annotations

import pulumi
from pulumi_aws_native import sns

from aifactory_runtime.contract.channels import EmailChannel
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings
from infra.conventions import names

PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com")
"""The vendor's services that tell people something."""


def called(settings: UseCaseSettings) -> tuple[str, ...]:
    """Everybody who is called for something: the owner, those of the monitors, approvers."""
    return tuple(dict.fromkeys((settings.manifest.owner, *settings.monitors.values(), *settings.approvers)))


def mailed(settings: UseCaseSettings) -> list[tuple[str, str]]:
    """Person and address of mail, of each address under `notify`: of who is called by it, else of the owner."""
    people, channels = called(settings), settings.manifest.settings(settings.environment).notify
    found = [address for one in channels if isinstance(one, EmailChannel) for address in one.recipients]
    who = {address: address.partition("@")[0] for address in dict.fromkeys(found)}
    return [(login if login in people else settings.manifest.owner, address) for address, login in who.items()]


class Notices(Part):
    """Topics by login. People take part by mail, or as they like: a topic is theirs as long as they are called."""

    def __init__(self, name: str, settings: UseCaseSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self.arns = {person: self._topic(person) for person in called(settings)}
        for person, address in mailed(settings):
            sns.Subscription(
                f"{name}-mail-{address}",
                topic_arn=self.arns[person],
                protocol="email",
                endpoint=address,
                opts=self.child(),
            )
        self.register_outputs({"topics": list(self.arns.values())})

    def _topic(self, person: str) -> pulumi.Output[str]:
        settings = self._settings
        topic = sns.Topic(
            f"{self._name}-{person}",
            topic_name=names.fitted("sns-topic", *settings.place, person),
            display_name=f"{settings.manifest.use_case} {settings.environment}",
            kms_master_key_id=settings.platform.kms_key_arn,
            tags=tagged({**settings.tags, "called": person}),
            opts=self.child(),
        )
        sns.TopicInlinePolicy(
            f"{self._name}-{person}-policy",
            topic_arn=topic.topic_arn,
            policy_document=topic.topic_arn.apply(self._policy),
            opts=self.child(topic),
        )
        arn: pulumi.Output[str] = topic.topic_arn
        return arn

    def _policy(self, topic: str) -> dict[str, object]:
        """Services of this account may publish, and nobody does so without TLS."""
        ours = {"StringEquals": {"aws:SourceAccount": self._settings.platform.account}}
        untold = {"Bool": {"aws:SecureTransport": "false"}}
        publish = {"Action": "sns:Publish", "Resource": topic}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Tells",
                    "Effect": "Allow",
                    "Principal": {"Service": list(PUBLISHERS)},
                    **publish,
                    "Condition": ours,
                },
                {"Sid": "OnlyByTls", "Effect": "Deny", "Principal": "*", **publish, "Condition": untold},
            ],
        }
