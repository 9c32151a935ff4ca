"""A bucket at a server of its own process: Delta holds Python's lock while it waits, so none in this one can answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest

from tests.clouds.fixtures import account, moto_server
from tests.clouds.fixtures.account import REGION


@pytest.fixture(scope="session")
def moto_beside() -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", moto_server.__name__, str(port)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[3], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            while server.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def bucket(moto_beside: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket, found by AWS's own variables."""
    account.reach(monkeypatch, moto_beside)
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name
