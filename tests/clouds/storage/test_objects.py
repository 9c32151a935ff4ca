"""Objects of a bucket as a store: what each store does, over S3's own requests."""

from __future__ import annotations

import uuid

import boto3
import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.storage import Store, open_store
from tests.fixtures.store_rules import StoreRules


@pytest.fixture
def store(aws: str) -> Store:
    bucket = f"store-{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=aws).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return open_store(f"s3://{bucket}/use/case")


class TestObjectStore(StoreRules):
    pass


def test_given_no_bucket_when_put_then_one_line_names_the_address(aws: str) -> None:  # noqa: ARG001
    with pytest.raises(FactoryError, match="s3://never-made/a") as refused:
        open_store("s3://never-made").put("a", b"1")

    assert "\n" not in str(refused.value)
