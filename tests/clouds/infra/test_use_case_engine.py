"""A use case on AWS by the real engine and the stand-in: up, nothing to change, its contract, destroy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from aifactory_runtime.contract import EnvironmentContract
from infra.providers.emulated.world import World
from tests.clouds.infra.test_use_case import MANIFEST, PLATFORM, changed
from tests.infra.engine import INFRA, TODAY, Bench

pytestmark = pytest.mark.slow
ACCOUNT = "123456789012"
"""The stand-in's own."""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty world."""
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    return Bench(tmp_path, Path("unused"), plugins={"aws-native": INFRA / "providers" / "emulated"})


def stack(bench: Bench, environment: str, manifest: dict[str, Any] | None = None, **config: str) -> automation.Stack:
    """The use case's stack on a platform of the stand-in's account."""
    platform = json.dumps({**PLATFORM, "environment": environment}).replace(PLATFORM["account"], ACCOUNT)
    whole = {"environment": environment, "today": TODAY, "manifest": json.dumps(manifest or MANIFEST)}
    made = bench.stack("usecase", f"churn.{environment}", {**whole, "platform": platform, **config})
    made.set_config("aws-native:region", automation.ConfigValue("eu-west-1"))
    return made


def test_given_a_use_case_when_up_then_its_contract_holds_nothing_changes_after_and_destroy_leaves_the_audit_log(
    bench: Bench,
) -> None:
    manifest = changed("environments.dev.budget_month", 500) | {"scoring": "both"}
    manifest["environments"]["dev"]["endpoint"] = True
    made = stack(bench, "dev", manifest)
    foreseen = bench.preview(made)
    assert set(foreseen) == {"create"}
    assert bench.up(made) == foreseen

    exported = EnvironmentContract.model_validate({key: one.value for key, one in made.outputs().items()})
    assert exported.audit_uri == f"s3://audit--churn-dev-{ACCOUNT}/audit"
    assert exported.job_role == f"arn:aws:iam::{ACCOUNT}:role/aifactory-churn-dev-job"
    assert bench.preview(made) == {} and bench.drift(made) == {}

    bench.destroy(made)
    left = {thing.token.removeprefix("aws-native:s3:") for thing in World(bench.home / "world").things()}
    assert left == {"Bucket", "BucketPolicy"}
    assert not bench.said
