"""Servers that stand in for AWS, started for these tests and spoken to over loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests.clouds.fixtures import account
from tests.clouds.fixtures.mlflow_app import MlflowApp

REGION = account.REGION


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


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowApp]:
    """An environment's MLflow app, of which a proxy lets in what the keys of `aws` signed."""
    app = MlflowApp(tmp_path_factory.mktemp("mlflow"), account.APP_ARN, REGION, {"test": "test"})
    app.start(f"s3://{account.BUCKET}/mlflow")
    yield app
    app.stop()


@pytest.fixture
def mlflow_app(mlflow_server: MlflowApp, aws: str, monkeypatch: pytest.MonkeyPatch) -> MlflowApp:  # noqa: ARG001
    """The same app, as an environment of `account.contract` finds it: nobody refused yet."""
    monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", mlflow_server.address)
    mlflow_server.requests.clear()
    mlflow_server.refused.clear()
    mlflow_server.denied = None
    return mlflow_server
