"""Roles of a use case on AWS under mocks: that of the endpoint, and who reads models of the environment before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clouds.infra import test_use_case
from tests.clouds.infra.test_use_case import ACCOUNT, PLATFORM, Recorder, use_case

engine = test_use_case.engine


def statements(recorder: Recorder, role: str) -> dict[str, dict[str, Any]]:
    """By Sid what the role of this name may do."""
    found = next(one for one in recorder.of("iam:Role").values() if one["roleName"] == role)
    return {one["Sid"]: one for one in found["policies"][0]["policyDocument"]["Statement"]}


def test_given_an_endpoint_when_run_then_its_role_reads_models_and_may_not_register(engine: Recorder) -> None:
    use_case(engine, "prod")

    registers = {"sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"}
    may = {
        role: {
            action for one in statements(engine, f"aifactory-churn-prod-{role}").values() for action in one["Action"]
        }
        for role in ("service", "job")
    }
    assert registers <= may["job"]
    assert not registers & may["service"]
    models = f"arn:aws:s3:::churn-prod-{ACCOUNT}/models/*"
    assert models in statements(engine, "aifactory-churn-prod-service")["ReadsObjects"]["Resource"]
    assert models not in statements(engine, "aifactory-churn-prod-service")["WritesObjects"]["Resource"]


@pytest.mark.parametrize("account", [None, "444455556666"])
def test_given_environments_in_one_account_or_two_when_run_then_each_reads_models_of_the_one_before(
    engine: Recorder, account: str | None
) -> None:
    other = json.dumps(PLATFORM).replace(ACCOUNT, account or ACCOUNT)
    use_case(engine, "staging", config={} if account is None else {"earlier": other, "later": other})

    where = f"arn:aws:s3:::churn-dev-{account or ACCOUNT}"
    may = statements(engine, "aifactory-churn-staging-release")
    assert may["EarlierObjects"]["Resource"] == [f"{where}/models/*"]
    assert may["EarlierNames"]["Resource"] == [where]
    assert ("EarlierKey" in may) is (account is not None)
    policies = [one["policyDocument"] for one in engine.of("s3:BucketPolicy").values()]
    (reads,) = (one for policy in policies for one in policy["Statement"] if one["Sid"] == "NextReadsModels")
    assert reads["Principal"] == {"AWS": [f"arn:aws:iam::{account or ACCOUNT}:root"]}
    reader = f"arn:aws:iam::{account or ACCOUNT}:role/aifactory-churn-prod-release"
    assert reads["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [reader]}}
    assert reads["Resource"] == [f"arn:aws:s3:::churn-staging-{ACCOUNT}/models/*"]


def test_given_the_first_and_the_last_environment_when_run_then_nothing_is_read_beyond_them(engine: Recorder) -> None:
    use_case(engine, "dev")
    assert "EarlierObjects" not in statements(engine, "aifactory-churn-dev-release")

    use_case(engine, "prod")
    policies = [one for one in engine.of("s3:BucketPolicy").values() if "churn-prod" in json.dumps(one)]
    assert policies and "NextReadsModels" not in json.dumps(policies)
