"""Capabilities as statements of IAM: each names its actions, and the use case's own resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aifactory_runtime.contract import names
from infra.components.aws.granting import (
    APPROVALS,
    EVERYTHING,
    SAGEMAKER,
    Statement,
    allow,
    by_storage,
    contends_for,
    reads_objects,
    tagged,
    writes_objects,
)
from infra.components.aws.held import Resources
from infra.conventions.personas import Capability

JOB = "job"
"""What steps of the pipeline, scheduled jobs and monitors run as."""


def statements(capability: Capability, resources: Resources) -> list[Statement]:
    """What a capability takes; nothing where the use case has nothing of the kind."""
    return _STATEMENTS[capability](resources)


def _see_runs(resources: Resources) -> list[Statement]:
    audit = [f"{resources.audit_arn}/*"]
    return [
        allow("SeesRuns", ["sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp"], [resources.mlflow_app]),
        *reads_objects(resources, "artifacts/", "events/"),
        allow("SeesAuditLines", ["s3:GetObject", "s3:GetObjectVersion"], audit),
        allow("SeesAuditNames", ["s3:ListBucket"], [resources.audit_arn]),
    ]


def _write_runs(resources: Resources) -> list[Statement]:
    return writes_objects(resources, "artifacts/", "events/")


def _see_models(resources: Resources) -> list[Statement]:
    actions = ("DescribeModelPackageGroup", "DescribeModelPackage", "ListModelPackages", "ListTags")
    return [
        allow("SeesModels", [f"sagemaker:{action}" for action in actions], resources.packages),
        *reads_objects(resources, "models/"),
    ]


_UNAPPROVED = {"sagemaker:ModelApprovalStatus": ["PendingManualApproval", "Rejected"]}
"""What who registers may say of a package: that it is all there, or that the gate refused it."""


def _register(resources: Resources) -> list[Statement]:
    made = ("CreateModelPackage", "UpdateModelPackage", "AddTags")
    return [
        allow(
            "Registers",
            [f"sagemaker:{one}" for one in made],
            resources.packages,
            StringEqualsIfExists=_UNAPPROVED,
        ),
        *writes_objects(resources, "models/"),
        *contends_for(resources, "artifacts/pipeline.lock"),
    ]


def _release(resources: Resources) -> list[Statement]:
    name = resources.endpoint
    own = [*resources.sagemaker("endpoint*", f"{name}*"), *_named(resources, "model")]
    scaling = ["RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"]
    made = ["CreateEndpoint", "CreateEndpointConfig", "CreateModel", "CreateMonitoringSchedule", "AddTags"]
    changed = [
        *("UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint", "DeleteEndpointConfig"),
        *("DeleteModel", "UpdateMonitoringSchedule", "DeleteMonitoringSchedule", "StopMonitoringSchedule"),
        "UpdatePipeline",
    ]
    seen = [
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeModel",
        "DescribeMonitoringSchedule",
        "DescribePipeline",
    ]
    watched = [*_named(resources, "monitoring-schedule"), *resources.pipelines]
    target = resources.arn("application-autoscaling", "scalable-target/*")
    return [
        allow("Approved", ["sagemaker:UpdateModelPackage"], resources.packages),
        allow("ReleasesNew", [f"sagemaker:{one}" for one in made], [*own, *watched], **tagged(resources, "RequestTag")),
        allow("Releases", [f"sagemaker:{one}" for one in changed], [*own, *watched], **tagged(resources)),
        allow("ReleasesSeen", [f"sagemaker:{one}" for one in seen], [*own, *watched]),
        allow("ReleasesScale", [f"application-autoscaling:{one}" for one in scaling], [target]),
        _passes("ReleasesAs", resources.role(names.SERVICE), resources.role(JOB)),
        *writes_objects(resources, "serving/", "models/", "snapshots/", "artifacts/", removes=True),
        *reads_objects(resources, "serving/", "snapshots/", "inbox/", "triggers/"),
        *_earlier(resources),
    ]


def _earlier(resources: Resources) -> list[Statement]:
    """Models of the environment before are read, never written."""
    if resources.earlier_bucket is None:
        return []
    bucket = f"arn:{resources.partition}:s3:::{resources.earlier_bucket}"
    found = [
        allow("EarlierObjects", ["s3:GetObject"], [f"{bucket}/models/*"]),
        allow("EarlierNames", ["s3:ListBucket"], [bucket], StringLikeIfExists={"s3:prefix": ["models/*"]}),
    ]
    if resources.earlier_kms_key is not None:
        region = resources.earlier_kms_key.split(":")[3]
        found.append(allow("EarlierKey", ["kms:Decrypt"], [resources.earlier_kms_key], **by_storage(region)))
    return found


def _passes(sid: str, *roles: str) -> Statement:
    return allow(sid, ["iam:PassRole"], roles, StringEquals={"iam:PassedToService": SAGEMAKER})


def _named(resources: Resources, *kinds: str) -> list[str]:
    return [arn for kind in kinds for arn in resources.sagemaker(kind, f"{resources.endpoint}-*")]


def _see_approvals(resources: Resources) -> list[Statement]:
    return reads_objects(resources, APPROVALS)


def _approve(resources: Resources) -> list[Statement]:
    """Nothing by itself: `approvals_of` wants to know the person."""
    del resources
    return []


def _call(resources: Resources) -> list[Statement]:
    actions = ["sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint"]
    return [allow("Calls", actions, resources.sagemaker("endpoint", resources.endpoint))]


def _read_data(resources: Resources) -> list[Statement]:
    return reads_objects(resources, "tables/", "capture/")


def _write_data(resources: Resources) -> list[Statement]:
    sources = [allow("ReadsSources", ["s3:GetObject"], resources.sources)] if resources.sources else []
    return [*writes_objects(resources, "tables/", removes=True), *sources]


def _feed_labels(resources: Resources) -> list[Statement]:
    places = ("capture/labels-", "tables/labels/")
    return [*reads_objects(resources, *places), *writes_objects(resources, *places)]


def _run_pipelines(resources: Resources) -> list[Statement]:
    seen = ("DescribePipeline", "DescribePipelineExecution", "ListPipelineExecutions", "ListPipelineExecutionSteps")
    started = [f"sagemaker:{one}" for one in ("StartPipelineExecution", "StopPipelineExecution")]
    return [
        allow("RunsPipelines", started, resources.pipelines, **tagged(resources)),
        allow("SeesPipelines", [f"sagemaker:{one}" for one in seen], resources.pipelines),
    ]


def _ask_retraining(resources: Resources) -> list[Statement]:
    return writes_objects(resources, "inbox/")


def _see_logs(resources: Resources) -> list[Statement]:
    read = ("FilterLogEvents", "GetLogEvents", "DescribeLogStreams", "StartQuery")
    named = [
        resources.arn("cloudwatch", f"alarm:{resources.endpoint}-*"),
        f"arn:{resources.partition}:cloudwatch::{resources.account}:dashboard/{resources.endpoint}",
    ]
    return [
        allow("SeesLogs", [f"logs:{one}" for one in read], resources.log_groups),
        allow("SeesAlarms", ["cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard"], named),
        allow("SeesMetrics", ["cloudwatch:GetMetricData", "logs:GetQueryResults"], EVERYTHING),
    ]


def _see_cost(resources: Resources) -> list[Statement]:
    budget = f"arn:{resources.partition}:budgets::{resources.account}:budget/{resources.endpoint}"
    return [
        allow("SeesBudget", ["budgets:ViewBudget"], [budget]),
        *reads_objects(resources, "artifacts/pages/cost"),
    ]


def _serve(resources: Resources) -> list[Statement]:
    return [
        *reads_objects(resources, "models/", "serving/", "snapshots/"),
        *writes_objects(resources, "capture/"),
        *runs_an_image(resources),
    ]


def runs_an_image(resources: Resources) -> list[Statement]:
    """What any container needs that SageMaker starts: its image, its logs, its metrics."""
    pulled = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    jobs = [resources.arn("logs", f"log-group:/aws/sagemaker/{kind}:*") for kind in ("ProcessingJobs", "TransformJobs")]
    logged = [*resources.log_groups, *jobs]
    own_metrics = {"StringEquals": {"cloudwatch:namespace": ["/aws/sagemaker/Endpoints", "AIFactory"]}}
    return [
        allow("PullsImage", pulled, [resources.repository]),
        allow("PullsLogin", ["ecr:GetAuthorizationToken"], EVERYTHING),
        allow("WritesLogs", ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"], logged),
        allow("WritesMetrics", ["cloudwatch:PutMetricData"], EVERYTHING, **own_metrics),
    ]


_STATEMENTS: Mapping[Capability, Callable[[Resources], list[Statement]]] = {
    Capability.SEE_RUNS: _see_runs,
    Capability.WRITE_RUNS: _write_runs,
    Capability.SEE_MODELS: _see_models,
    Capability.REGISTER: _register,
    Capability.RELEASE: _release,
    Capability.SEE_APPROVALS: _see_approvals,
    Capability.APPROVE: _approve,
    Capability.CALL: _call,
    Capability.READ_DATA: _read_data,
    Capability.WRITE_DATA: _write_data,
    Capability.FEED_LABELS: _feed_labels,
    Capability.RUN_PIPELINES: _run_pipelines,
    Capability.ASK_RETRAINING: _ask_retraining,
    Capability.SEE_LOGS: _see_logs,
    Capability.SEE_COST: _see_cost,
    Capability.SERVE: _serve,
}
