"""What the stand-in has to do for all other tests here: keep objects, and refuse a second create."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError


def test_given_the_stand_in_when_an_object_is_created_twice_then_the_second_is_refused(aws: str) -> None:
    store = boto3.client("s3", endpoint_url=aws)
    store.create_bucket(Bucket="twice", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    store.put_object(Bucket="twice", Key="once", Body=b"first", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        store.put_object(Bucket="twice", Key="once", Body=b"second", IfNoneMatch="*")
    assert store.get_object(Bucket="twice", Key="once")["Body"].read() == b"first"
