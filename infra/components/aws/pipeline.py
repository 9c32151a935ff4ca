"""Component Pipelines: one shell for each kind of work, which a release fills with the steps of its code."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws_native import sagemaker

from aifactory_runtime.contract import cloud_names
from infra.components.aws.part import Part, tagged
from infra.components.aws.settings import UseCaseSettings

UNRELEASED = {
    "Version": "2020-12-01",
    "Parameters": [],
    "Steps": [
        {
            "Name": "NothingIsReleased",
            "Type": "Fail",
            "Arguments": {"ErrorMessage": "no code is released here yet: factory release brings the steps"},
        }
    ],
}
"""SageMaker makes no pipeline without a step. What a release writes in its place is none of `up`'s business."""


def works(settings: UseCaseSettings) -> tuple[cloud_names.Work, ...]:
    """The kinds of work that there is a pipeline for."""
    return tuple(work for work in cloud_names.WORK if work != "score" or settings.manifest.scores_batches)


class Pipelines(Part):
    """Shells by kind of work. Each starts jobs that run as the role of jobs."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        role: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        shell = pulumi.ResourceOptions(parent=self, ignore_changes=["pipelineDefinition"])
        self.of = {
            work: sagemaker.Pipeline(
                f"{name}-{work}",
                pipeline_name=cloud_names.pipeline(settings.name, work),
                pipeline_definition=sagemaker.PipelineDefinition0PropertiesArgs(
                    pipeline_definition_body=json.dumps(UNRELEASED)
                ),
                role_arn=role,
                tags=tagged(settings.tags),
                opts=shell,
            )
            for work in works(settings)
        }
        self.register_outputs({"pipelines": [one.pipeline_name for one in self.of.values()]})
