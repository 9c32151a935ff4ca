"""Probes of S3 against a server that enforces IAM, with our own policies: what the evaluator says is what happens.

That server reads no conditions: an allow under one stays an allow. So only roles' own policies are put there, and
probes whose answer no condition changes.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.components.aws import rights
from tests.clouds.fixtures.moto_server import Server
from tests.clouds.rights.case import ACCOUNT, REGION, resources
from tests.clouds.rights.test_probes import DELETE, GET, PROBES, PUT

HERE = resources("probed")
KEYS = [
    (role, action, resource.partition(":")[2], wanted)
    for role, action, resource, wanted in PROBES
    if resource.startswith("s3:") and action in (GET, PUT, DELETE)
]
ANYBODY = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture(scope="module")
def clients() -> Iterator[dict[str, Any]]:
    """A client of S3 for each role, at a server of its own that begins to enforce when all is there."""
    server = Server()
    server.start()
    host, port = server.get_host_and_port()
    where = {"endpoint_url": f"http://{host}:{port}", "region_name": REGION}
    root = {"aws_access_key_id": "root", "aws_secret_access_key": "root", **where}
    storage, iam, sts = (boto3.client(name, **root) for name in ("s3", "iam", "sts"))
    storage.create_bucket(Bucket=HERE.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for _, _, key, _ in KEYS:
        storage.put_object(Bucket=HERE.bucket, Key=key, Body=b"1")
    found = {}
    for role in sorted({role for role, *_ in KEYS}):
        kind, _, person = role.partition(".")
        document = rights.policy(kind, "prod", HERE, person or None)
        name = f"probed-{role}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **ANYBODY}))
        iam.put_role_policy(RoleName=name, PolicyName="capabilities", PolicyDocument=json.dumps(document))
        taken = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="probe")["Credentials"]
        found[role] = boto3.client(
            "s3",
            aws_access_key_id=taken["AccessKeyId"],
            aws_secret_access_key=taken["SecretAccessKey"],
            aws_session_token=taken["SessionToken"],
            **where,
        )
    enforce = urllib.request.Request(
        f"http://{host}:{port}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
    )
    urllib.request.urlopen(enforce).read()  # noqa: S310  loopback
    yield found
    lenient = urllib.request.Request(
        f"http://{host}:{port}/moto-api/reset-auth", data=b"inf", headers={"Content-Type": "text/plain"}, method="POST"
    )
    urllib.request.urlopen(lenient).read()  # noqa: S310  loopback
    server.stop()


@pytest.mark.parametrize(("role", "action", "key", "wanted"), KEYS)
def test_given_a_role_at_a_server_that_enforces_when_it_asks_then_it_may_or_may_not(
    clients: dict[str, Any], role: str, action: str, key: str, wanted: bool
) -> None:
    asked = {"Bucket": HERE.bucket, "Key": key}
    calls = {GET: "get_object", DELETE: "delete_object", PUT: "put_object"}
    body = {"Body": b"2"} if action == PUT else {}
    try:
        getattr(clients[role], calls[action])(**asked, **body)
        found = True
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        found = False
    assert found is wanted


def test_given_the_probes_then_some_of_both_kinds_were_asked() -> None:
    assert {wanted for *_, wanted in KEYS} == {True, False}
    assert len(KEYS) >= 15
