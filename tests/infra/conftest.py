"""Fixtures of the programs' tests: a manifest, and one platform that the slow ones share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aifactory.provision import servers
from infra.providers.local import layout, processes
from tests.infra.engine import INFRA, Bench
from tests.unit.runtime.contract.test_manifest import VALID

MANIFEST: dict[str, Any] = {
    **VALID,
    "environments": {
        "dev": {"data_source": "data/sample.csv", "retraining": {"schedule": "* * * * *"}},
        "staging": {"data_source": "data/sample.csv"},
        "prod": {"data_source": "data/sample.csv", "approval": "required", "approvers": ["vera", "otto"]},
    },
}
"""The valid manifest of the unit tests, with a schedule that is always due and two approvers."""


@pytest.fixture(scope="session")
def manifest() -> str:
    """Manifest of the use case `churn`: owner ana, approvers vera and otto in prod."""
    return json.dumps(MANIFEST)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A home with the shared platform up; taken down at the end, whatever the tests did to it."""
    made = Bench(tmp_path_factory.mktemp("home"), servers.ensure(print), policies=(str(INFRA / "policies"),))
    shared = made.platform("shared")
    made.up(shared)
    yield made
    made.destroy(made.platform("shared"))
    assert processes.marked(layout.socket(made.home)) == []
    assert not (made.home / "shared").exists()


@pytest.fixture(scope="session")
def provisioned(bench: Bench, manifest: str) -> Iterator[Bench]:
    """The platform with `churn` in dev and prod."""
    stacks = [bench.usecase(manifest, "churn", environment) for environment in ("dev", "prod")]
    for stack in stacks:
        bench.up(stack)
    yield bench
    for stack in stacks:
        bench.destroy(stack)
