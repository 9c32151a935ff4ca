"""Component Logs: a group of logs with an end to how long they are kept."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws_native as aws

from infra.components.aws.part import Part, tagged


class Logs(Part):
    """One group, encrypted."""

    def __init__(
        self,
        name: str,
        *,
        group: str,
        days: int,
        key_arn: pulumi.Input[str],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.group = aws.logs.LogGroup(
            f"{name}-group",
            log_group_name=group,
            retention_in_days=days,
            kms_key_id=key_arn,
            tags=tagged(tags),
            opts=self.child(),
        )
        self.arn: pulumi.Output[str] = self.group.arn
        self.register_outputs({"arn": self.arn})
