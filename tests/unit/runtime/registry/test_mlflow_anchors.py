"""Heads of audit logs as they are read from MLflow: of this environment only, until its log ended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aifactory_runtime.contract import names
from aifactory_runtime.registry.mlflow import MlflowRegistry, connect
from aifactory_runtime.registry.port import Head
from tests.fixtures import mlflow_database
from tests.unit.runtime.release.parts import contract

pytestmark = pytest.mark.heavy


@pytest.fixture
def registry(tmp_path: Path) -> MlflowRegistry:
    """Prod's of `churn`, over an empty database."""
    mlflow_database.put(tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    places = {"tracking_uri": address, "registry_uri": address, "artifact_uri": str(tmp_path)}
    return connect(contract("prod", **places), None)


def written(registry: MlflowRegistry, log: str, *numbers: int, ended: bool = False) -> None:
    """A run with heads, as `anchor` writes it."""
    run = registry.begin_run(names.ANCHOR, log, {})
    heads = {f"line-{number:010}": f"{number:064x}" for number in numbers}
    registry.log(run, {"log": log, **heads, **({"ended": "2027-01-15"} if ended else {})})


def test_given_no_experiment_of_heads_when_asked_then_there_is_no_place_for_any(registry: MlflowRegistry) -> None:
    assert registry.anchored() is None


def test_given_heads_of_several_logs_when_asked_then_those_of_this_one_in_its_order(registry: MlflowRegistry) -> None:
    written(registry, "fraud.prod", 7)
    assert registry.anchored() == []
    written(registry, "churn.prod", 2, 10)
    written(registry, "churn.prod", 3)
    written(registry, "churn.dev", 4)
    assert registry.anchored() == [Head(number, f"{number:064x}") for number in (2, 10, 3)]


def test_given_an_environment_made_again_when_asked_then_heads_of_the_log_before_do_not_count(
    registry: MlflowRegistry,
) -> None:
    written(registry, "churn.prod", 5, 9)
    written(registry, "churn.prod", 12, ended=True)
    assert registry.anchored() == []
    written(registry, "churn.prod", 1)
    assert registry.anchored() == [Head(1, f"{1:064x}")]


def test_given_the_time_of_a_head_when_asked_then_it_is_said(registry: MlflowRegistry) -> None:
    said = {"line-0000000004": "a" * 64, "time-0000000004": "2027-01-15T03:00:00+00:00"}
    registry.log(registry.begin_run(names.ANCHOR, "heads", {}), {"log": "churn.prod", **said})
    assert registry.anchored() == [Head(4, "a" * 64, datetime(2027, 1, 15, 3, tzinfo=UTC))]
