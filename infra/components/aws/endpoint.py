"""Component Endpoint: the name and address of the scoring service; SageMaker has no empty one, so releases make it."""

from __future__ import annotations

import pulumi

from infra.components.aws.part import Part
from infra.components.aws.settings import UseCaseSettings


class Endpoint(Part):
    """Nothing is made here. Roles and alarms name the endpoint before there is one."""

    def __init__(self, name: str, settings: UseCaseSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        platform = settings.platform
        china = ".cn" if settings.partition == "aws-cn" else ""
        host = f"runtime.sagemaker.{platform.region}.amazonaws.com{china}"
        self.address = f"https://{host}/endpoints/{settings.name}/invocations"
        self.register_outputs({"address": self.address})
