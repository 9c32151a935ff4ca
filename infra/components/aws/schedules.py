"""Component Schedules: what the manifest starts by the calendar, and the look each hour at what there is to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_aws_native import scheduler

from aifactory_runtime.contract import cloud_names
from infra.components.aws import cron
from infra.components.aws.part import Part
from infra.components.aws.pipeline import Pipelines
from infra.components.aws.queues import Queues
from infra.components.aws.settings import UseCaseSettings

EACH_HOUR = "rate(1 hour)"
_TRIES = {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600}


@dataclass(frozen=True)
class Planned:
    """A schedule: its name within the use case, the kind of work, and when."""

    name: str
    work: cloud_names.Work
    expression: str


def planned(settings: UseCaseSettings) -> list[Planned]:
    """All schedules of the environment, in UTC; ValueError names the key that AWS cannot say."""
    return [*_calendar(settings), Planned("tick", "tick", EACH_HOUR)]


def _calendar(settings: UseCaseSettings) -> Iterator[Planned]:
    wanted = settings.manifest.settings(settings.environment)
    by_calendar: tuple[tuple[str, cloud_names.Work, str | None], ...] = (
        ("retraining", "train", wanted.retraining.schedule),
        ("batch", "score", wanted.batch.schedule),
        ("retention", "tidy", wanted.retention.schedule),
    )
    for key, work, schedule in by_calendar:
        if schedule is None:
            continue
        try:
            found = cron.expressions(schedule)
        except ValueError as error:
            raise ValueError(f"environments.{settings.environment}.{key}.{error}") from None
        for number, expression in enumerate(found, start=1):
            yield Planned(work if number == 1 else f"{work}-{number}", work, expression)


class Schedules(Part):
    """Each starts the pipeline of its work; what cannot be started is a dead letter."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        *,
        pipelines: Pipelines,
        queues: Queues,
        role: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        for one in planned(settings):
            scheduler.Schedule(
                f"{name}-{one.name}",
                name=f"{settings.name}-{one.name}",
                description=f"{one.work} of {settings.manifest.use_case} in {settings.environment}",
                schedule_expression=one.expression,
                schedule_expression_timezone="UTC",
                flexible_time_window={"mode": "OFF"},
                target={
                    "arn": settings.arn("sagemaker", f"pipeline/{cloud_names.pipeline(settings.name, one.work)}"),
                    "role_arn": role,
                    "sage_maker_pipeline_parameters": {"pipeline_parameter_list": []},
                    "dead_letter_config": {"arn": queues.dead.arn},
                    "retry_policy": _TRIES,
                },
                opts=self.child(pipelines.of[one.work]),
            )
        self.register_outputs({})
