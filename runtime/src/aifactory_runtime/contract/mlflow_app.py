"""An MLflow app on AWS by its address, which names it: where its pages are, and what `tracking_uri` says. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADDRESS = re.compile(
    r"https://(?P<app>app-[A-Za-z0-9]+)\.(?P<host>mlflow\.sagemaker\.(?P<region>[a-z0-9-]+)\.app\.aws)/?"
)
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):\d{12}:mlflow-app/(?P<app>app-[A-Za-z0-9]+)")
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov"}


@dataclass(frozen=True)
class App:
    """One MLflow app: where requests to all apps of its region go, and the ARN that says which one is meant."""

    host: str
    region: str
    arn: str


def address(arn: str) -> str:
    """Address of the app with this ARN; ValueError when it is not an app's."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise ValueError(f"{arn} is not the ARN of an MLflow app")
    return f"https://{found['app']}.mlflow.sagemaker.{found['region']}.app.aws"


def at(address: str, account: str) -> App:
    """The app of an account that has this address; ValueError when it is not an app's."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ValueError(
            f"{address} is not the address of an MLflow app (https://app-ABC.mlflow.sagemaker.REGION.app.aws)"
        )
    region = found["region"]
    partition = next((name for start, name in _PARTITIONS.items() if region.startswith(f"{start}-")), "aws")
    return App(
        f"https://{found['host']}", region, f"arn:{partition}:sagemaker:{region}:{account}:mlflow-app/{found['app']}"
    )
