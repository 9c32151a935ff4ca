"""Component Dashboard: a page for one use case in one environment, from experiments to storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi_aws_native import cloudwatch

from aifactory_runtime.contract import cloud_names
from infra.components.aws.part import Part, tagged
from infra.components.aws.pipeline import works
from infra.components.aws.settings import UseCaseSettings

_COLUMNS, _WIDE, _HIGH = 24, 12, 6
_HOUR, _DAY = 3600, 86_400


def body(settings: UseCaseSettings) -> dict[str, Any]:
    """What the page shows, two widgets a row."""
    head = {"type": "text", "x": 0, "y": 0, "width": _COLUMNS, "height": 3, "properties": {"markdown": _head(settings)}}
    placed = [
        {**one, "x": number % 2 * _WIDE, "y": 3 + number // 2 * _HIGH, "width": _WIDE, "height": _HIGH}
        for number, one in enumerate(_widgets(settings))
    ]
    return {"widgets": [head, *placed]}


def _head(settings: UseCaseSettings) -> str:
    region, owners = settings.platform.region, settings.monitors
    console = f"https://{region}.console.aws.amazon.com"
    watched = ", ".join(f"{monitor}: {owner}" for monitor, owner in owners.items())
    return (
        f"# {settings.manifest.title}: {settings.environment}\n"
        f"Owner {settings.manifest.owner}, team {settings.manifest.team}. Monitors: {watched}. "
        f"[Runs and figures]({settings.platform.mlflow_url}) "
        f"[Quotas of the account]({console}/servicequotas/home/services/sagemaker/quotas)"
    )


def _widgets(settings: UseCaseSettings) -> Iterator[dict[str, Any]]:
    yield _graph(settings, "Experiments and trainings", _executions(settings), stat="Sum", period=_DAY)
    yield _graph(settings, "Figures of the champion", [[_figures(settings)]])
    if settings.has_endpoint:
        yield _graph(settings, "Service: requests and errors", _requests(settings), stat="Sum", period=300)
        yield _graph(settings, "Service: latency", _latency(settings), period=300)
    yield _graph(settings, "Open problems", _problems(settings), stat="Maximum")
    yield _errors(settings)
    yield _graph(settings, "Hours of compute in this month", _hours(settings), stat="Maximum", limit=_quota(settings))
    yield _graph(settings, "Use of processors and GPUs by jobs", [[one] for one in _use(settings)])
    yield _graph(settings, "Instances against the account's quota", [[_instances()]])
    yield _graph(settings, "Storage", _storage(settings), stat="Average", period=_DAY)


def _graph(
    settings: UseCaseSettings,
    title: str,
    metrics: list[list[Any]],
    *,
    stat: str = "Average",
    period: int = _HOUR,
    limit: tuple[str, float] | None = None,
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": title,
        "region": settings.platform.region,
        "view": "timeSeries",
        "metrics": metrics,
        "stat": stat,
        "period": period,
    }
    if limit is not None:
        properties["annotations"] = {"horizontal": [{"label": limit[0], "value": limit[1]}]}
    return {"type": "metric", "properties": properties}


def _executions(settings: UseCaseSettings) -> list[list[Any]]:
    return [
        ["AWS/Sagemaker/ModelBuildingPipeline", metric, "PipelineName", cloud_names.pipeline(settings.name, work)]
        for work in works(settings)
        for metric in ("ExecutionSucceeded", "ExecutionFailed")
    ]


def _search(terms: str, stat: str, period: int = _HOUR) -> dict[str, str]:
    return {"expression": f"SEARCH('{terms}', '{stat}', {period})"}


def _figures(settings: UseCaseSettings) -> dict[str, str]:
    use_case, environment = settings.place
    there = f'use_case="{use_case}" environment="{environment}" MetricName="{cloud_names.MODEL_FIGURE}"'
    return _search(f"{{{cloud_names.METRICS},environment,figure,use_case}} {there}", "Average")


def _requests(settings: UseCaseSettings) -> list[list[Any]]:
    variant = ["EndpointName", settings.name, "VariantName", cloud_names.CHAMPION_VARIANT]
    counted = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
    return [["AWS/SageMaker", metric, *variant] for metric in counted]


def _latency(settings: UseCaseSettings) -> list[list[Any]]:
    variant = ["EndpointName", settings.name, "VariantName", cloud_names.CHAMPION_VARIANT]
    return [["AWS/SageMaker", "ModelLatency", *variant, {"stat": stat}] for stat in ("p50", "p95")]


def _problems(settings: UseCaseSettings) -> list[list[Any]]:
    place = ["use_case", settings.manifest.use_case, "environment", settings.environment]
    return [
        [cloud_names.METRICS, cloud_names.OPEN_PROBLEMS, *place, "monitor", monitor] for monitor in settings.monitors
    ]


def _errors(settings: UseCaseSettings) -> dict[str, Any]:
    groups = [settings.log_group, *([settings.endpoint_log_group] if settings.has_endpoint else [])]
    sources = " | ".join(f"SOURCE '{group}'" for group in groups)
    shown = "fields @timestamp, @message | filter @message like /ERROR|CRITICAL|Traceback/"
    query = f"{sources} | {shown} | sort @timestamp desc | limit 50"
    properties = {"title": "Errors in logs", "region": settings.platform.region, "view": "table", "query": query}
    return {"type": "log", "properties": properties}


def _hours(settings: UseCaseSettings) -> list[list[Any]]:
    use_case, environment = settings.place
    return [[cloud_names.METRICS, cloud_names.COMPUTE_HOURS, "use_case", use_case, "environment", environment]]


def _quota(settings: UseCaseSettings) -> tuple[str, float]:
    return "quota", settings.manifest.settings(settings.environment).quotas.compute_hours


def _use(settings: UseCaseSettings) -> list[dict[str, str]]:
    return [
        _search(f'{{/aws/sagemaker/{jobs},Host}} MetricName="{metric}" "{settings.name}"', "Average", 300)
        for jobs in ("ProcessingJobs", "TrainingJobs")
        for metric in ("CPUUtilization", "GPUUtilization")
    ]


def _instances() -> dict[str, str]:
    return _search('{AWS/Usage,Class,Resource,Service,Type} MetricName="ResourceCount" Service="SageMaker"', "Maximum")


def _storage(settings: UseCaseSettings) -> list[list[Any]]:
    return [
        ["AWS/S3", "BucketSizeBytes", "BucketName", bucket, "StorageType", "StandardStorage"]
        for bucket in (settings.bucket, settings.audit_bucket)
    ]


class Dashboard(Part):
    """Made for the people of the use case; what it shows is only what their roles may see."""

    def __init__(self, name: str, settings: UseCaseSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        cloudwatch.Dashboard(
            f"{name}-page",
            dashboard_name=settings.name,
            dashboard_body=json.dumps(body(settings)),
            tags=tagged(settings.tags),
            opts=self.child(),
        )
        region = settings.platform.region
        self.address = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards/dashboard/{settings.name}"
        self.register_outputs({"address": self.address})
