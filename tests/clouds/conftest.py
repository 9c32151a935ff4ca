"""Servers that stand in for AWS, started for these tests and spoken to over loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test-clouds` runs what is in this folder, and nothing else does."""
    for item in items:
        if "tests/clouds/" in item.path.as_posix():
            item.add_marker(pytest.mark.clouds)


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    """A server that answers as S3, KMS, IAM, SageMaker's registry, EventBridge, SQS and others do."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same server, as boto3, obstore and the engine find it: by AWS's own variables."""
    for key, value in {
        "AWS_ENDPOINT_URL": moto_address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # of the stand-in: it takes any
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }.items():
        monkeypatch.setenv(key, value)
    return moto_address
