"""The address of an MLflow app and its ARN lead to each other."""

from __future__ import annotations

import pytest

from aifactory_runtime.contract import mlflow_app


@pytest.mark.parametrize(
    ("arn", "address"),
    [
        (
            "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-ABC1",
            "https://app-ABC1.mlflow.sagemaker.eu-west-1.app.aws",
        ),
        (
            "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:mlflow-app/app-X",
            "https://app-X.mlflow.sagemaker.us-gov-west-1.app.aws",
        ),
    ],
)
def test_given_an_app_then_address_and_arn_lead_to_each_other(arn: str, address: str) -> None:
    found = mlflow_app.at(address, "123456789012")
    assert mlflow_app.address(arn) == address
    assert found == mlflow_app.App(address.replace(address[8:].partition(".")[0] + ".", ""), arn.split(":")[3], arn)


@pytest.mark.parametrize(
    "address", ["https://mlflow.example.org", "sqlite:///a.db", "http://app-A.mlflow.sagemaker.x.app.aws"]
)
def test_given_another_address_then_it_is_no_apps(address: str) -> None:
    with pytest.raises(ValueError, match="is not the address of an MLflow app"):
        mlflow_app.at(address, "123456789012")


def test_given_another_arn_then_it_is_no_apps() -> None:
    with pytest.raises(ValueError, match="is not the ARN of an MLflow app"):
        mlflow_app.address("arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/one")
