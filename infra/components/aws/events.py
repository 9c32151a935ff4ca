"""Component Events: what happens to models, pipelines and data, and whom or what it reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws_native import events, pipes

from aifactory_runtime.contract import cloud_names
from infra.components.aws.notices import Notices
from infra.components.aws.part import Part, tagged
from infra.components.aws.pipeline import Pipelines
from infra.components.aws.queues import Queues
from infra.components.aws.settings import UseCaseSettings

SAGEMAKER, S3 = "aws.sagemaker", "aws.s3"
PACKAGE = "SageMaker Model Package State Change"
PIPELINE = "SageMaker Model Building Pipeline Execution Status Change"
PROCESSING = "SageMaker Processing Job State Change"
CREATED = "Object Created"
_RETRY = {"maximum_retry_attempts": 10, "maximum_event_age_in_seconds": 3600}
_BATCH = {"batch_size": 10, "maximum_batching_window_in_seconds": 60}


@dataclass(frozen=True)
class Heard:
    """A kind of thing that happens: what of the account's events is meant, who is told and how, what is looked at."""

    name: str
    what: str
    pattern: Mapping[str, Any]
    told: tuple[str, ...] = ()
    """People."""
    paths: Mapping[str, str] | None = None
    """Values of the event by the names that `words` has for them."""
    words: str = ""
    looked_at: bool = True
    """Whether the next look is at once: it tests what was registered, and triages as the manifest says."""


def heard(settings: UseCaseSettings) -> list[Heard]:
    """All rules of the environment. Each pattern of models names the approval status: no other may be let through."""
    return [*_of_models(settings), *_of_work(settings), *_of_data(settings)]


def _of_models(settings: UseCaseSettings) -> Iterator[Heard]:
    group, where = settings.name, f"{settings.manifest.use_case} in {settings.environment}"
    version = {"version": "$.detail.ModelPackageVersion"}
    yield Heard(
        "registered",
        "a model was registered: it is tested, and approvers are asked",
        _packages(group, "PendingManualApproval"),
        settings.approvers,
        version,
        f"Version <version> of {where} is registered and waits for approval: factory approve",
    )
    yield Heard(
        "approved",
        "a person approved a model: the forge's release may go on",
        _packages(group, "Approved"),
        (settings.manifest.owner,),
        version,
        f"Version <version> of {where} is approved: its release goes on",
    )


def _packages(group: str, status: str) -> dict[str, Any]:
    detail = {"ModelPackageGroupName": [group], "ModelApprovalStatus": [status]}
    return {"source": [SAGEMAKER], "detail-type": [PACKAGE], "detail": detail}


def _of_work(settings: UseCaseSettings) -> Iterator[Heard]:
    where = f"{settings.manifest.use_case} in {settings.environment}"
    arns = [
        settings.arn("sagemaker", f"pipeline/{cloud_names.pipeline(settings.name, work)}") for work in cloud_names.WORK
    ]
    yield Heard(
        "failed",
        "a pipeline failed: the owner is told",
        {
            "source": [SAGEMAKER],
            "detail-type": [PIPELINE],
            "detail": {"pipelineArn": arns, "currentPipelineExecutionStatus": ["Failed"]},
        },
        (settings.manifest.owner,),
        {"run": "$.detail.pipelineExecutionArn"},
        f"A pipeline of {where} failed: factory logs says why. It was <run>",
        looked_at=False,  # else a look that fails would start the next one
    )
    watching = settings.arn("sagemaker", f"monitoring-schedule/{settings.name}")
    yield Heard(
        "violation",
        "a monitor found a violation: it is triaged, and training follows as the manifest says",
        {
            "source": [SAGEMAKER],
            "detail-type": [PROCESSING],
            "detail": {
                "MonitoringScheduleArn": [{"prefix": watching}],
                "ExitMessage": [{"prefix": "CompletedWithViolations"}],
            },
        },
        tuple(dict.fromkeys((settings.monitors["data"], settings.monitors["model"]))),
        {"job": "$.detail.ProcessingJobName"},
        f"A monitor of {where} found a violation: factory status says which. It was <job>",
    )


def _of_data(settings: UseCaseSettings) -> Iterator[Heard]:
    yield Heard("message", "somebody asks for a new training", _objects(settings.bucket, "inbox/"))
    wanted = settings.manifest.settings(settings.environment)
    sources = dict.fromkeys((wanted.data_source, wanted.batch.source or wanted.data_source))
    for number, source in enumerate((one for one in sources if one.startswith("s3://")), start=1):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        name = "new-data" if number == 1 else f"new-data-{number}"
        yield Heard(name, f"new data in {bucket}/{prefix}", _objects(bucket, prefix))


def _objects(bucket: str, prefix: str) -> dict[str, Any]:
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}}
    if prefix:
        detail["object"] = {"key": [{"prefix": prefix}]}
    return {"source": [S3], "detail-type": [CREATED], "detail": detail}


class Events(Part):
    """Rules, and the pipe from their queue to the look at what there is to do."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        *,
        notices: Notices,
        queues: Queues,
        pipelines: Pipelines,
        role: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._settings, self._notices, self._queues = settings, notices, queues
        for one in heard(settings):
            self._rule(one)
        pipes.Pipe(
            f"{name}-look",
            name=f"{settings.name}-look",
            description="starts a look at what there is to do when something happened",
            source=queues.events.arn,
            source_parameters={"sqs_queue_parameters": _BATCH},
            target=settings.arn("sagemaker", f"pipeline/{cloud_names.pipeline(settings.name, 'tick')}"),
            target_parameters={"sage_maker_pipeline_parameters": {"pipeline_parameter_list": []}},
            role_arn=role,
            tags=settings.tags,
            opts=self.child(pipelines.of["tick"]),
        )
        self.register_outputs({})

    def _rule(self, one: Heard) -> None:
        settings = self._settings
        events.Rule(
            f"{self._name}-{one.name}",
            name=f"{settings.name}-{one.name}",
            description=one.what,
            event_pattern=dict(one.pattern),
            state="ENABLED",
            targets=list(self._targets(one)),
            tags=tagged(settings.tags),
            opts=self.child(),
        )

    def _targets(self, one: Heard) -> Iterator[dict[str, Any]]:
        kept = {"dead_letter_config": {"arn": self._queues.dead.arn}, "retry_policy": _RETRY}
        if one.looked_at:
            yield {"id": "look", "arn": self._queues.events.arn, **kept}
        for number, person in enumerate(one.told, start=1):
            told = {"input_paths_map": dict(one.paths or {}), "input_template": json.dumps(one.words)}
            yield {"id": f"told-{number}", "arn": self._notices.arns[person], "input_transformer": told, **kept}
