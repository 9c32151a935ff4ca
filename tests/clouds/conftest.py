"""Servers that stand in for AWS, started for these tests and spoken to over loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from aifactory_runtime.contract import EnvironmentContract
from tests.clouds.fixtures import account
from tests.clouds.fixtures.mlflow_app import MlflowApp
from tests.clouds.fixtures.moto_server import Server
from tests.clouds.fixtures.sagemaker import SageMaker

REGION = account.REGION


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test-clouds` runs what is in this folder, and nothing else does."""
    for item in items:
        if "tests/clouds/" in item.path.as_posix():
            item.add_marker(pytest.mark.clouds)


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    """A server that answers as S3, KMS, IAM, SageMaker's registry, EventBridge, SQS and others do."""
    server = Server()
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same server, as boto3, obstore and the engine find it: by AWS's own variables."""
    account.reach(monkeypatch, moto_address)
    return moto_address


@pytest.fixture(scope="session")
def mlflow_server(moto_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowApp]:
    """An environment's MLflow app, of which a proxy lets in what the keys of `aws` signed; its bucket is there."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    boto3.client("s3", endpoint_url=moto_address, **keys).create_bucket(
        Bucket=account.RUNS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    app = MlflowApp(tmp_path_factory.mktemp("mlflow"), account.APP_ARN, REGION, {"test": "test"})
    app.start(f"s3://{account.RUNS_BUCKET}/mlflow")
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


@pytest.fixture(scope="session")
def sagemaker_server(moto_address: str) -> Iterator[SageMaker]:
    """SageMaker before the stand-in, which gets some of it wrong."""
    server = SageMaker(moto_address)
    yield server
    server.stop()


@pytest.fixture
def sagemaker(sagemaker_server: SageMaker, aws: str, monkeypatch: pytest.MonkeyPatch) -> SageMaker:  # noqa: ARG001
    """The same, as boto3 finds it; nobody's rights are short yet."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", sagemaker_server.address)
    sagemaker_server.reset()
    return sagemaker_server


@pytest.fixture
def contract(sagemaker: SageMaker, request: pytest.FixtureRequest) -> EnvironmentContract:  # noqa: ARG001
    """Prod's of a use case of this test's own: its buckets and its model package group are there, and empty."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    found = account.contract(bucket=f"churn-{name}", model_name=f"churn-{name}")
    for bucket in (f"churn-{name}", f"churn-{name}-audit"):
        boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=found.model_name)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A registry looks at bytes only, so any two files make a model here."""
    folder = tmp_path / "model"
    (folder / "part").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "part" / "model.skops").write_bytes(b"\x00\x01")
    return folder
