"""What the buckets of a use case refuse, whoever asks: no role's own policy can allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aifactory_runtime.contract import names
from infra.components.aws.granting import APPROVALS, CREATED_ONCE, Statement
from infra.components.aws.held import Resources

_WRITTEN_TWICE = {"Null": dict.fromkeys(CREATED_ONCE["Null"], "true")}


def bucket_policy(resources: Resources, approvers: Sequence[str], readers: Sequence[str] = ()) -> dict[str, Any]:
    """No TLS, another's key, and approvals by anybody but the role of the person they are named for.

    `approvers` are logins. `readers` are ARNs of roles of the next environment, made or not, which
    fetch the models that they promote; where that is another account it takes this statement, too.
    """
    roles = {person: resources.role(names.APPROVER, person) for person in approvers}
    approved = f"{resources.bucket_arn}/{APPROVALS}"
    found = [
        *_refused_everywhere(resources, resources.bucket_arn),
        _refuse("OnlyApprovers", ["s3:PutObject"], [f"{approved}*"], _but([*roles.values()])),
        _refuse("ApprovalsOnce", ["s3:PutObject"], [f"{approved}*"], _WRITTEN_TWICE),
        _refuse("ApprovalsStay", ["s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{approved}*"]),
    ]
    for number, (person, role) in enumerate(sorted(roles.items()), start=1):
        found.append(_refuse(f"OnlyThePerson{number}", ["s3:PutObject"], [f"{approved}{person}/*"], _but([role])))
    return {"Version": "2012-10-17", "Statement": [*found, *(_read_by(resources, readers) if readers else [])]}


def audit_bucket_policy(resources: Resources) -> dict[str, Any]:
    """No TLS, another's key, a line that is written twice, one that is removed."""
    lines = [f"{resources.audit_arn}/*"]
    removing = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
    found = [
        *_refused_everywhere(resources, resources.audit_arn),
        _refuse("LinesOnce", ["s3:PutObject"], lines, _WRITTEN_TWICE),
        _refuse("LinesStay", removing, lines),
    ]
    return {"Version": "2012-10-17", "Statement": found}


def _refused_everywhere(resources: Resources, bucket: str) -> list[Statement]:
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    # A write that names no key gets the bucket's own; a negated operator alone would hold for it, too.
    another = {"Null": {key: "false"}, "StringNotEquals": {key: resources.kms_key}}
    return [
        _refuse("OnlyByTls", ["s3:*"], [bucket, f"{bucket}/*"], {"Bool": {"aws:SecureTransport": "false"}}),
        _refuse("OnlyByTls12", ["s3:*"], [bucket, f"{bucket}/*"], {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        _refuse("OnlyOurKey", ["s3:PutObject"], [f"{bucket}/*"], another),
    ]


def _but(roles: Sequence[str]) -> dict[str, Any]:
    """Everybody but these roles; with none of them, everybody."""
    return {"ArnNotEquals": {"aws:PrincipalArn": sorted(roles)}} if roles else {}


def _refuse(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Statement:
    found: Statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": [*actions], "Resource": [*resources]}
    return found | ({"Condition": condition} if condition else {})


def _read_by(resources: Resources, readers: Sequence[str]) -> list[Statement]:
    # S3 takes no policy that names a role which is not there yet, and the next environment comes up after this one.
    accounts = sorted({f"{one.partition(':role/')[0]}:root" for one in readers})
    principal = {"Effect": "Allow", "Principal": {"AWS": accounts}}
    those = {"ArnEquals": {"aws:PrincipalArn": sorted(readers)}}
    models = {**those, "StringLikeIfExists": {"s3:prefix": ["models/*"]}}
    return [
        {
            "Sid": "NextReadsModels",
            **principal,
            "Action": ["s3:GetObject"],
            "Resource": resources.objects("models/"),
            "Condition": those,
        },
        {
            "Sid": "NextListsModels",
            **principal,
            "Action": ["s3:ListBucket"],
            "Resource": [resources.bucket_arn],
            "Condition": models,
        },
    ]
