"""Requests to an MLflow app: let in when signed for it, and only then."""

from __future__ import annotations

import re

import pytest
import requests

from aifactory_runtime.aws import signed
from aifactory_runtime.aws.session import Session
from aifactory_runtime.errors import UsageProblem
from tests.clouds.fixtures import account
from tests.clouds.fixtures.mlflow_app import MlflowApp

NAMED = "/api/2.0/mlflow/experiments/get-by-name"
MADE = "/api/2.0/mlflow/experiments/create"


def signature(**other: str) -> signed.Signature:
    session = Session(account.contract(**other))
    return signed.Signature(session, signed.app(session))


def test_given_signed_requests_when_sent_then_the_app_answers_them(mlflow_app: MlflowApp) -> None:
    own = signature()
    made = requests.post(mlflow_app.address + MADE, json={"name": "prod/made of ü & +"}, auth=own, timeout=30)
    asked = {"experiment_name": "prod/made of ü & +"}
    found = requests.get(mlflow_app.address + NAMED, params=asked, auth=own, timeout=30)

    assert (made.status_code, found.status_code, mlflow_app.refused) == (200, 200, [])
    assert found.json()["experiment"]["experiment_id"] == made.json()["experiment_id"]


def test_given_no_signature_or_another_secret_when_sent_then_refused(
    mlflow_app: MlflowApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{mlflow_app.address}{NAMED}?experiment_name=prod/churn"
    unsigned = requests.get(address, timeout=30)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    guessed = requests.get(address, auth=signature(), timeout=30)

    assert (unsigned.status_code, guessed.status_code) == (403, 403)
    assert mlflow_app.refused == [
        "Missing Authentication Token",
        "The request signature we calculated does not match the signature you provided.",
    ]


@pytest.mark.parametrize("changed", ["body", "query", "app"])
def test_given_a_signed_request_when_changed_on_its_way_then_refused(mlflow_app: MlflowApp, changed: str) -> None:
    request = requests.Request("POST", mlflow_app.address + MADE, json={"name": "mine"}, auth=signature()).prepare()
    if changed == "body":
        request.prepare_body(b'{"name": "theirs"}', None)
    elif changed == "query":
        request.url = f"{request.url}?name=theirs"
    else:
        request.headers[signed.APP] = f"{account.APP_ARN}2"
    with requests.Session() as session:
        answer = session.send(request, timeout=30)

    assert answer.status_code == 403
    assert len(mlflow_app.refused) == 1


def test_given_another_region_when_signed_then_the_app_refuses_it(mlflow_app: MlflowApp) -> None:
    other = signature(tracking_uri=f"https://{account.APP}.mlflow.sagemaker.eu-north-1.app.aws", region="eu-north-1")
    answer = requests.get(f"{mlflow_app.address}{NAMED}?experiment_name=a", auth=other, timeout=30)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"tracking_uri": "https://mlflow.example.org"},
            "https://mlflow.example.org is not the address of an MLflow app",
        ),
        ({"account": None}, "prod names no account: factory outputs prod --write"),
    ],
)
def test_given_what_names_no_app_when_opened_then_one_line_says_so(said: dict[str, str], told: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(told)):
        signed.app(Session(account.contract(**said)))
