"""How statements of IAM are written: what is allowed on which of a use case's own resources, under which condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.components.aws.held import Resources

Statement = dict[str, Any]
"""A statement as IAM reads it."""

SAGEMAKER = "sagemaker.amazonaws.com"
EVERYTHING = "*"
"""Resource of the few actions for which AWS knows no narrower one; a test holds the list of them."""
APPROVALS = "approvals/"
CREATED_ONCE = {"Null": {"s3:if-none-match": "false"}}
"""A write has to say that nothing is there yet; S3 then refuses the second of the same key."""

_LISTED = "StringLikeIfExists"


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str] | str, **condition: Mapping[str, Any]
) -> Statement:
    """A statement that allows; `condition` is operator to key to value."""
    found: Statement = {"Sid": sid, "Effect": "Allow", "Action": [*actions]}
    found["Resource"] = resources if isinstance(resources, str) else [*resources]
    return found | ({"Condition": condition} if condition else {})


def approvals_of(person: str, resources: Resources) -> list[Statement]:
    """To write approvals in the name of `person`, each once."""
    return [
        allow("Approves", ["s3:PutObject"], resources.objects(f"{APPROVALS}{person}/"), **CREATED_ONCE),
        key_writes(resources),
    ]


def tagged(resources: Resources, kind: str = "ResourceTag") -> dict[str, Any]:
    """Tags of this use case and environment. Names that begin alike are another use case's, too: `churn-prod-dev`."""
    return {
        "StringEquals": {
            f"aws:{kind}/use_case": resources.use_case,
            f"aws:{kind}/environment": resources.environment,
        }
    }


def writes_audit(resources: Resources) -> list[Statement]:
    """To add lines to the audit log: each an object of its own, which nobody writes twice. Not to its anchors."""
    lines = [f"{resources.audit_arn}/audit/*"]
    return [allow("AddsAuditLines", ["s3:PutObject"], lines, **CREATED_ONCE), key_writes(resources)]


def reads_objects(resources: Resources, *prefixes: str) -> list[Statement]:
    """To list and read the bucket below prefixes.

    The condition lets pass what has no prefix, as reading an object that is not there asks for the same right without
    one: S3 would say that it is forbidden, where `missing` is meant.
    """
    listed = [f"{prefix}*" for prefix in prefixes]
    return [
        allow("ReadsObjects", ["s3:GetObject", "s3:GetObjectVersion"], resources.objects(*prefixes)),
        allow("ListsObjects", ["s3:ListBucket"], [resources.bucket_arn], StringLikeIfExists={"s3:prefix": listed}),
        key_reads(resources),
    ]


def writes_objects(resources: Resources, *prefixes: str, removes: bool = False) -> list[Statement]:
    """To write the bucket below prefixes, and to remove there."""
    objects = resources.objects(*prefixes)
    removing = [allow("RemovesObjects", ["s3:DeleteObject"], objects)] if removes else []
    writing = allow("WritesObjects", ["s3:PutObject", "s3:AbortMultipartUpload"], objects)
    return [writing, *removing, key_writes(resources)]


def contends_for(resources: Resources, *locks: str) -> list[Statement]:
    """To hold a lock, and to put, list and remove what tells the store's time beside one that another holds."""
    probes = resources.objects(*(f"{lock}." for lock in locks))
    return [
        *reads_objects(resources, *locks),
        *writes_objects(resources, *locks),
        allow("RemovesObjects", ["s3:DeleteObject"], probes),
    ]


def key_reads(resources: Resources) -> Statement:
    """The key opens what the bucket gives, and nothing that somebody holds by another way."""
    return allow("KeyOpens", ["kms:Decrypt"], [resources.kms_key], **by_storage(resources.region))


def key_writes(resources: Resources) -> Statement:
    """The key closes what is written to the bucket, and opens it for the parts of an upload."""
    return allow(
        "KeyCloses", ["kms:Decrypt", "kms:GenerateDataKey"], [resources.kms_key], **by_storage(resources.region)
    )


def by_storage(region: str) -> dict[str, Any]:
    """That the key is asked for by the storage of a region, on behalf of whoever asks that."""
    return {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}


def document(found: Sequence[Statement]) -> dict[str, Any]:
    """Statements as a policy; those of one Sid become one, as a role's policies have room for 10,240 characters."""
    merged: dict[str, Statement] = {}
    for one in found:
        known = merged.setdefault(one["Sid"], one)
        merged[one["Sid"]] = known if known == one else _merged(known, one)
    return {"Version": "2012-10-17", "Statement": [*merged.values()]}


def _merged(one: Statement, other: Statement) -> Statement:
    """Both as one, which allows what each does; ValueError where they differ in more than where they apply."""
    resources = _widest([*one["Resource"], *other["Resource"]])
    found = {**one, "Resource": resources}
    if one["Sid"] == "ListsObjects" and one["Resource"] == other["Resource"]:
        prefixes = [prefix for each in (one, other) for prefix in each["Condition"][_LISTED]["s3:prefix"]]
        found["Condition"] = {_LISTED: {"s3:prefix": _widest(prefixes)}}
    elif {**one, "Resource": 0} != {**other, "Resource": 0}:
        raise ValueError(f"two statements are called {one['Sid']}, and differ in actions or conditions")
    return found


def _widest(patterns: Sequence[str]) -> list[str]:
    """Each once, without those that a wider one holds: `models/*` holds `models/1/*`."""
    every = dict.fromkeys(patterns)
    wide = [one.removesuffix("*") for one in every if one.endswith("*")]
    return [one for one in every if not any(one.startswith(start) and one != f"{start}*" for start in wide)]
