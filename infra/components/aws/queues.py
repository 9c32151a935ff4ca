"""Component Queues: what happened waits in one until it is looked at; the other keeps what was not delivered."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws_native import sqs

from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings

KEPT_SECONDS = 14 * 24 * 3600
"""The longest that the vendor keeps a message."""
TRIES = 5


class Queues(Part):
    """The queue of what happened, `events`, and that of dead letters. Both are encrypted by the vendor's own key."""

    def __init__(self, name: str, settings: UseCaseSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self.dead = self._queue("dead-letters", None)
        self.events = self._queue("events", self.dead)
        self.register_outputs({"events": self.events.queue_name})

    def _queue(self, part: str, dead: sqs.Queue | None) -> sqs.Queue:
        settings = self._settings
        name = f"{settings.name}-{part}"
        queue = sqs.Queue(
            f"{self._name}-{part}",
            queue_name=name,
            message_retention_period=KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            redrive_policy={"deadLetterTargetArn": dead.arn, "maxReceiveCount": TRIES} if dead else None,
            tags=tagged(settings.tags),
            opts=self.child(*([dead] if dead else [])),
        )
        sqs.QueueInlinePolicy(
            f"{self._name}-{part}-policy",
            queue=queue.queue_url,
            policy_document=self._policy(settings.arn("sqs", name)),
            opts=self.child(queue),
        )
        return queue

    def _policy(self, queue: str) -> dict[str, Any]:
        """Rules of this account may send, and nobody does anything without TLS."""
        ours = {"StringEquals": {"aws:SourceAccount": self._settings.platform.account}}
        sender = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}
        untold = {"Principal": "*", "Action": "sqs:*", "Resource": queue}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Sends", "Effect": "Allow", **sender, "Condition": ours},
                {
                    "Sid": "OnlyByTls",
                    "Effect": "Deny",
                    **untold,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }
