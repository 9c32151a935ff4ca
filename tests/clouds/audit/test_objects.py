"""An audit log of objects, over S3's own requests: eight writers at once, a line that was changed or removed."""

from __future__ import annotations

import threading
import uuid

import boto3
import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.storage import open_store


@pytest.fixture
def address(aws: str) -> str:
    bucket = f"audit-{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=aws).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return f"s3://{bucket}/audit"


def test_given_eight_writers_when_they_add_lines_then_none_is_lost_and_the_chain_holds(address: str) -> None:
    def add(writer: int) -> None:
        for _ in range(3):
            log.append(address, "released", f"writer {writer}", {"version": writer})

    threads = [threading.Thread(target=add, args=(writer,)) for writer in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    found = log.read(address)
    assert log.verify(address).problem is None
    assert [one["sequence"] for one in found] == list(range(1, 25))
    assert sorted(one["who"] for one in found) == sorted(f"writer {writer}" for writer in range(8) for _ in range(3))
    assert log.verify(address).head == found[-1]["sha256"]


def test_given_a_line_that_was_changed_or_removed_when_verified_then_it_is_named(address: str) -> None:
    for number in range(3):
        log.append(address, "released", "release", {"version": number})
    store = open_store(address)
    second = store.read("000000000002.json").content

    store.put("000000000002.json", second.replace(b'"version":1', b'"version":7'))
    assert "line 2 does not match its own digest" in str(log.verify(address).problem)

    store.delete("000000000002.json")
    assert "line 2 does not follow" in str(log.verify(address).problem)
    assert log.verify(address).lines == 1


def test_given_no_log_when_verified_then_it_is_empty(address: str) -> None:
    assert (log.verify(address).lines, log.read(address)) == (0, [])
