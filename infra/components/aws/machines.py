"""Rights of the identities that only a cloud needs: jobs, rules and schedules, and CI that reads or applies."""

from __future__ import annotations

from collections.abc import Sequence

from infra.components.aws.granting import EVERYTHING, SAGEMAKER, Statement, allow, tagged, writes_objects
from infra.components.aws.held import Resources
from infra.components.aws.platform import naming
from infra.components.aws.statements import JOB, runs_an_image
from infra.conventions import names

EVENTS = "events"
"""What rules and schedules start a pipeline as, and put into a queue."""
READS = "ci-read"
"""What CI runs `factory preview` as, and the checks of a pull request from the repo itself."""
APPLIES = "ci-apply"
"""What CI runs `factory up` as."""
_PASSED = {
    JOB: (SAGEMAKER,),
    EVENTS: ("events.amazonaws.com", "pipes.amazonaws.com", "scheduler.amazonaws.com"),
}
"""Role to the services that get it with what CI makes; that of the endpoint is `release`'s to pass."""
_CLOUD_CONTROL = ("GetResource", "ListResources", "GetResourceRequestStatus")
_CLOUD_CONTROL_WRITES = ("CreateResource", "UpdateResource", "DeleteResource", "CancelResourceRequest")
_READ = {
    "s3": (
        *("GetBucketPolicy", "GetBucketVersioning", "GetBucketTagging", "GetBucketPublicAccessBlock", "ListBucket"),
        *("GetBucketObjectLockConfiguration", "GetLifecycleConfiguration", "GetEncryptionConfiguration"),
        *("GetBucketNotification", "GetBucketOwnershipControls", "GetBucketLocation"),
    ),
    "iam": ("GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies", "ListRoleTags"),
    "sagemaker": (
        *("DescribeModelPackageGroup", "DescribePipeline", "DescribeSpace", "DescribeUserProfile", "ListTags"),
        *("DescribeEndpoint", "DescribeMonitoringSchedule", "GetModelPackageGroupPolicy"),
    ),
    "logs": ("ListTagsForResource", "DescribeMetricFilters"),
    "cloudwatch": ("DescribeAlarms", "GetDashboard", "ListTagsForResource"),
    "events": ("DescribeRule", "ListTargetsByRule", "ListTagsForResource"),
    "scheduler": ("GetSchedule",),
    "sqs": ("GetQueueAttributes", "ListQueueTags", "GetQueueUrl"),
    "sns": ("GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource"),
    "budgets": ("ViewBudget", "ListTagsForResource"),
}
"""Service to what `factory preview` and `refresh` ask of what is there."""
_APPLY = {
    "s3": (
        *("CreateBucket", "DeleteBucket", "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning"),
        *("PutBucketTagging", "PutBucketPublicAccessBlock", "PutBucketObjectLockConfiguration"),
        *("PutLifecycleConfiguration", "PutEncryptionConfiguration", "PutBucketNotification"),
        "PutBucketOwnershipControls",
    ),
    "sagemaker": (
        *("CreateModelPackageGroup", "DeleteModelPackageGroup", "CreatePipeline", "UpdatePipeline", "DeletePipeline"),
        *("CreateSpace", "UpdateSpace", "DeleteSpace", "CreateUserProfile", "UpdateUserProfile", "DeleteUserProfile"),
        *("AddTags", "DeleteTags"),
    ),
    "logs": ("CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "AssociateKmsKey", "TagResource"),
    "cloudwatch": (
        *("PutMetricAlarm", "DeleteAlarms", "PutDashboard", "DeleteDashboards", "TagResource", "UntagResource"),
    ),
    "events": ("PutRule", "DeleteRule", "PutTargets", "RemoveTargets", "TagResource", "UntagResource"),
    "scheduler": ("CreateSchedule", "UpdateSchedule", "DeleteSchedule"),
    "sqs": ("CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"),
    "sns": ("CreateTopic", "DeleteTopic", "SetTopicAttributes", "Subscribe", "TagResource", "UntagResource"),
    "budgets": ("ModifyBudget", "TagResource", "UntagResource"),
}
"""Service to what `factory up` makes, changes and removes there."""
_ROLE_CHANGES = ("UpdateRole", "UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "TagRole", "UntagRole")


def job(resources: Resources) -> list[Statement]:
    """Steps of a pipeline and scheduled jobs, beyond what they may as whoever trains: their container, their jobs."""
    named = resources.sagemaker("processing-job", "pipelines-*", f"{resources.endpoint}-*")
    named += resources.sagemaker("transform-job", "pipelines-*", f"{resources.endpoint}-*")
    made = ["sagemaker:CreateProcessingJob", "sagemaker:CreateTransformJob", "sagemaker:AddTags"]
    followed = [f"sagemaker:{verb}{kind}Job" for kind in ("Processing", "Transform") for verb in ("Describe", "Stop")]
    passed = {"StringEquals": {"iam:PassedToService": SAGEMAKER}}
    return [
        *runs_an_image(resources),
        *writes_objects(resources, "capture/", "triggers/", "logs/", removes=True),
        allow("StartsJobs", made, named, **tagged(resources, "RequestTag")),
        allow("FollowsJobs", followed, named, **tagged(resources)),
        allow("JobsRunAs", ["iam:PassRole"], [resources.role(JOB)], **passed),
    ]


def events(resources: Resources) -> list[Statement]:
    """Rules and schedules start the pipeline, and keep what they could not start."""
    return [
        allow("Starts", ["sagemaker:StartPipelineExecution"], resources.pipelines, **tagged(resources)),
        allow("Keeps", ["sqs:SendMessage"], resources.queues),
    ]


def reads(resources: Resources) -> list[Statement]:
    """CI of a pull request: previews, and changes nothing."""
    own = owned(resources)
    found = [
        allow(f"Reads{service.title()}", [f"{service}:{one}" for one in actions], own[service])
        for service, actions in _READ.items()
        if own[service]
    ]
    return [
        allow("ReadsByCloudControl", [f"cloudformation:{one}" for one in _CLOUD_CONTROL], EVERYTHING),
        allow("ReadsLogGroups", ["logs:DescribeLogGroups"], EVERYTHING),
        *found,
        *_state_reads(resources),
    ]


def applies(resources: Resources) -> list[Statement]:
    """CI of an environment: makes what a use case has there; roles only within the boundary, and only its own."""
    own = owned(resources)
    found = [
        allow(f"Applies{service.title()}", [f"{service}:{one}" for one in actions], own[service])
        for service, actions in _APPLY.items()
        if own[service]
    ]
    within = {"iam:PermissionsBoundary": resources.boundary}
    new = {"StringEquals": within | tagged(resources, "RequestTag")["StringEquals"]}
    there = {"StringEquals": within | tagged(resources)["StringEquals"]}
    changes = [f"iam:{one}" for one in (*_ROLE_CHANGES, "DeleteRole")]
    return [
        *reads(resources),
        allow("AppliesByCloudControl", [f"cloudformation:{one}" for one in _CLOUD_CONTROL_WRITES], EVERYTHING),
        *found,
        allow("MakesBoundRoles", ["iam:CreateRole"], own["iam"], **new),
        allow("ChangesBoundRoles", changes, own["iam"], **there),
        *(_passes(number, resources, *passed) for number, passed in enumerate(_PASSED.items(), start=1)),
        *_state_writes(resources),
        _never_itself(resources),
    ]


def _passes(number: int, resources: Resources, role: str, services: Sequence[str]) -> Statement:
    condition = {"StringEquals": {"iam:PassedToService": [*services]}}
    return allow(f"PassesRole{number}", ["iam:PassRole"], [resources.role(role)], **condition)


def _never_itself(resources: Resources) -> Statement:
    """CI changes neither its own roles nor the boundary: those are the platform's."""
    changes = [f"iam:{one}" for one in (*_ROLE_CHANGES, "DeleteRole", "DeleteRolePermissionsBoundary")]
    actions = [*changes, "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy"]
    own = [resources.role(one) for one in (READS, APPLIES)]
    return {"Sid": "NeverItself", "Effect": "Deny", "Action": actions, "Resource": [*own, resources.boundary]}


def owned(resources: Resources) -> dict[str, list[str]]:
    """Service to ARNs of all that a use case has in an environment; of roles tags tell whose they are."""
    name, account, partition = resources.endpoint, resources.account, resources.partition
    place = resources.use_case, resources.environment
    return {
        "s3": [resources.bucket_arn, resources.audit_arn],
        "iam": [f"arn:{partition}:iam::{account}:role/{names.PREFIX}-*"],
        # Of any kind, as the actions say which; profiles and spaces lie in a domain.
        "sagemaker": resources.sagemaker("*", f"{name}*", f"*/{place[0]}*"),
        "logs": resources.log_groups,
        "cloudwatch": [
            resources.arn("cloudwatch", f"alarm:{name}-*"),
            f"arn:{partition}:cloudwatch::{account}:dashboard/{name}*",
        ],
        "events": [resources.arn("events", f"rule/{name}-*")],
        "scheduler": [resources.arn("scheduler", f"schedule/default/{name}-*")],
        "sqs": resources.queues,
        "sns": [*resources.topics],
        "budgets": [f"arn:{partition}:budgets::{account}:budget/{name}"],
    }


def _state_reads(resources: Resources) -> list[Statement]:
    """The engine's state of this stack, its lock, which a preview takes, too, and the key of the secrets in it."""
    bucket = f"arn:{resources.partition}:s3:::{resources.platform_bucket}"
    stack = f"{resources.use_case}.{resources.environment}"
    locks = f"{bucket}/*/locks/*/{stack}/*"
    read = [f"{bucket}/*/stacks/*/{stack}.json", f"{bucket}/*/meta.yaml", locks]
    return [
        allow("StateReads", ["s3:GetObject"], [*read, f"{bucket}/platform/*.json"]),
        allow("StateNames", ["s3:ListBucket"], [bucket]),
        allow("StateLock", ["s3:PutObject", "s3:DeleteObject"], [locks]),
        allow("StateOpens", ["kms:Decrypt"], [resources.state_key], **_by_alias(resources)),
    ]


def _by_alias(resources: Resources) -> dict[str, dict[str, str]]:
    """The one key that bears the state's alias, where its ARN is not known."""
    known = not resources.state_key.endswith("key/*")
    return {} if known else {"ForAnyValue:StringEquals": {"kms:ResourceAliases": naming.STATE_ALIAS}}


def _state_writes(resources: Resources) -> list[Statement]:
    bucket = f"arn:{resources.partition}:s3:::{resources.platform_bucket}"
    stack = f"{resources.use_case}.{resources.environment}"
    kept = [f"{bucket}/*/{kind}/*/{stack}*" for kind in ("stacks", "history", "backups")]
    return [
        allow("StateWrites", ["s3:PutObject", "s3:DeleteObject"], kept),
        allow("StateCloses", ["kms:Encrypt", "kms:GenerateDataKey"], [resources.state_key], **_by_alias(resources)),
    ]
