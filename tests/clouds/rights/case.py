"""A use case in prod of an account, and requests about it as AWS would see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.components.aws import rights
from infra.components.aws.held import Resources
from tests.clouds.rights.evaluator import Document, Request, allowed

ACCOUNT, REGION = "123456789012", "eu-west-1"


def resources(use_case: str = "churn", environment: str = "prod") -> Resources:
    """What a use case has in an environment, with the longest forms of names that are not its own."""
    name, key = f"{use_case}-{environment}", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    return Resources(
        use_case=use_case,
        environment=environment,
        account=ACCOUNT,
        region=REGION,
        bucket=f"{name[:44]}-{ACCOUNT}",
        audit_bucket=f"{name[:44]}-{ACCOUNT}-audit",
        kms_key=key,
        package_group=name,
        endpoint=name,
        pipeline=name,
        mlflow_app=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-app/app-1",
        log_group=f"/aifactory/{use_case}/{environment}",
        repository=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/aifactory",
        boundary=f"arn:aws:iam::{ACCOUNT}:policy/aifactory-platform-{environment}-boundary",
        platform_bucket=f"aifactory-platform-{ACCOUNT}",
        sources=("arn:aws:s3:::lake/churn/*",),
        state_key=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*",
        earlier_bucket=f"{use_case}-staging-{ACCOUNT}",
    )


def context(here: Resources, more: Mapping[str, str]) -> dict[str, str]:
    """What AWS knows of an ordinary request: by TLS, of this use case's own tags, by storage where it is the key."""
    own = {f"aws:{kind}/use_case": here.use_case for kind in ("ResourceTag", "RequestTag")}
    own |= {f"aws:{kind}/environment": here.environment for kind in ("ResourceTag", "RequestTag")}
    return {
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
        "s3:if-none-match": "*",
        "kms:ViaService": f"s3.{here.region}.amazonaws.com",
        "iam:PassedToService": "sagemaker.amazonaws.com",
        "iam:PermissionsBoundary": here.boundary,
        "kms:ResourceAliases": "alias/aifactory-state",
        "cloudwatch:namespace": "AIFactory",
        "aws:RequestedRegion": here.region,
        **own,
        **more,
    }


def decides(
    role: str,
    action: str,
    resource: str,
    here: Resources,
    *,
    identity: Document | None = None,
    boundary: Document | None = None,
    without: str = "",
    so: Mapping[str, str] | None = None,
) -> bool:
    """Whether a role, `approver.kim` for one approver's, may do it on `s3:KEY`, `audit:KEY` or an ARN.

    `so` replaces parts of the context, `without` takes one out.
    """
    kind, _, person = role.partition(".")
    buckets: dict[str, Any] = {
        "s3": (here.bucket_arn, rights.bucket_policy(here, ["ana", "kim"])),
        "audit": (here.audit_arn, rights.audit_bucket_policy(here)),
    }
    place, _, key = resource.partition(":")
    bucket, policy = buckets.get(place, (None, None))
    arn = resource if bucket is None else f"{bucket}/{key}" if key else bucket
    document = identity or rights.policy(kind, here.environment, here, person or None)
    asked = Request(
        here.role(kind, person or None),
        action,
        arn,
        {key: value for key, value in context(here, so or {}).items() if key != without},
    )
    return allowed(asked, [document], boundary=boundary, resource=policy)
