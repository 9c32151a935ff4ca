"""By which input the vendor knows a resource: its id, for kinds whose id is the name that they are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED_BY = {
    "aws-native:cloudwatch:Alarm": "alarmName",
    "aws-native:cloudwatch:Dashboard": "dashboardName",
    "aws-native:iam:Role": "roleName",
    "aws-native:logs:LogGroup": "logGroupName",
    "aws-native:s3:Bucket": "bucketName",
    "aws-native:s3:BucketPolicy": "bucket",
    "aws-native:sagemaker:Pipeline": "pipelineName",
}
"""Kind to the input that is its whole id."""


def of(kind: str, inputs: Mapping[str, Any]) -> str | None:
    """The id, when it can be told from the inputs."""
    given = inputs.get(NAMED_BY.get(kind, ""))
    return given if isinstance(given, str) else None
