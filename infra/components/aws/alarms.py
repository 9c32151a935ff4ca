"""Component Alarms: each calls the owner of a monitor; those of the endpoint also roll a release back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws_native import cloudwatch

from aifactory_runtime.contract import cloud_names
from infra.components.aws.notices import Notices
from infra.components.aws.part import Part, tagged
from infra.components.aws.queues import Queues
from infra.components.aws.settings import UseCaseSettings

ERROR_SHARE = 0.01
"""Share of requests answered with an error of the service, above which it is an alarm."""
LATENCY_MS = 1000
"""Milliseconds within which 95 of 100 requests are answered."""
MINUTES = 5
_MINUTE = 60
_HOUR = 3600


@dataclass(frozen=True)
class Watched:
    """An alarm: its name within the use case, who is called, why, and the rest of it as the vendor takes it."""

    name: str
    owner: str
    why: str
    asks: dict[str, Any]


def watched(settings: UseCaseSettings) -> list[Watched]:
    """All alarms of the environment."""
    return [*(_of_endpoint(settings) if settings.has_endpoint else ()), *_of_problems(settings), _of_letters(settings)]


def _of_endpoint(settings: UseCaseSettings) -> Iterator[Watched]:
    """Of the champion's variant, over some minutes: the vendor's guard of a deployment looks at these."""
    owner = settings.monitors["service"]
    variant = {"EndpointName": settings.name, "VariantName": cloud_names.CHAMPION_VARIANT}
    share = [
        {"id": "share", "expression": "IF(asked > 0, failed / asked, 0)", "label": "share of errors"},
        _metric("failed", "Invocation5XXErrors", variant),
        _metric("asked", "Invocations", variant),
    ]
    yield Watched(
        cloud_names.ERRORS_ALARM,
        owner,
        f"more than {ERROR_SHARE:.0%} of requests end in an error of the service",
        {"metrics": share, "threshold": ERROR_SHARE, **_minutes(3)},
    )
    slow = {
        "namespace": "AWS/SageMaker",
        "metric_name": "ModelLatency",
        "dimensions": _dimensions(variant),
        "extended_statistic": "p95",
        "period": _MINUTE,
    }
    yield Watched(
        cloud_names.LATENCY_ALARM,
        owner,
        f"of 100 requests 5 take longer than {LATENCY_MS} ms",
        {**slow, "threshold": LATENCY_MS * 1000, **_minutes(3)},  # the metric is in microseconds
    )


def _minutes(bad: int) -> dict[str, Any]:
    """So many bad minutes of five. Without requests there is nothing to judge."""
    return {"evaluation_periods": MINUTES, "datapoints_to_alarm": bad, "treat_missing_data": "notBreaching"}


def _metric(identity: str, metric: str, dimensions: dict[str, str]) -> dict[str, Any]:
    stat = {
        "metric": {"namespace": "AWS/SageMaker", "metric_name": metric, "dimensions": _dimensions(dimensions)},
        "period": _MINUTE,
        "stat": "Sum",
    }
    return {"id": identity, "metric_stat": stat, "return_data": False}


def _dimensions(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _of_problems(settings: UseCaseSettings) -> Iterator[Watched]:
    """Problems that the command `monitor` found and that are open: it decides, here they are shown and told."""
    for monitor, owner in settings.monitors.items():
        dimensions = {"use_case": settings.manifest.use_case, "environment": settings.environment, "monitor": monitor}
        asks = {
            "namespace": cloud_names.METRICS,
            "metric_name": cloud_names.OPEN_PROBLEMS,
            "dimensions": _dimensions(dimensions),
            "statistic": "Maximum",
            "period": _HOUR,
            "threshold": 0,
            "evaluation_periods": 1,
            "treat_missing_data": "ignore",
        }
        yield Watched(f"{monitor}-problems", owner, f"the monitor of the {monitor} has an open problem", asks)


def _of_letters(settings: UseCaseSettings) -> Watched:
    asks = {
        "namespace": "AWS/SQS",
        "metric_name": "ApproximateNumberOfMessagesVisible",
        "dimensions": _dimensions({"QueueName": f"{settings.name}-dead-letters"}),
        "statistic": "Maximum",
        "period": _HOUR,
        "threshold": 0,
        "evaluation_periods": 1,
        "treat_missing_data": "notBreaching",
    }
    why = "something that happened could not be delivered, or a schedule could not start"
    return Watched("dead-letters", settings.manifest.owner, why, asks)


class Alarms(Part):
    """Each tells its owner when it begins and when it is over."""

    def __init__(
        self,
        name: str,
        settings: UseCaseSettings,
        notices: Notices,
        queues: Queues,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        for one in watched(settings):
            owners = [notices.arns[one.owner]]
            cloudwatch.Alarm(
                f"{name}-{one.name}",
                alarm_name=cloud_names.alarm(settings.name, one.name),
                alarm_description=f"{one.why} (owner: {one.owner})",
                comparison_operator="GreaterThanThreshold",
                alarm_actions=owners,
                ok_actions=owners,
                tags=tagged(settings.tags),
                opts=self.child(queues.dead),
                **one.asks,
            )
        self.register_outputs({})
