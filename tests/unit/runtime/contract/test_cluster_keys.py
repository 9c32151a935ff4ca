"""What an environment may say of its cluster; the embedded one and older contracts have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aifactory_runtime.config import environment
from aifactory_runtime.contract import EnvironmentContract, Manifest, derived
from tests.unit.runtime.contract.test_manifest import VALID, changed


def _contract(**keys: Any) -> EnvironmentContract:
    embedded = environment.embedded(Path("/repo"), Manifest.model_validate(VALID))
    return EnvironmentContract.model_validate({**embedded, "environment": "dev", **keys})


def test_given_a_contract_from_before_when_read_then_it_has_no_cluster() -> None:
    assert (_contract().cluster_uri, _contract().cluster_socket) == (None, None)


@pytest.mark.parametrize(
    "keys",
    [
        {"cluster_uri": "tcp://127.0.0.1:8786"},
        {"cluster_uri": "tcp://127.0.0.1:8786", "cluster_socket": "/tmp/x.sock", "cluster_workers": 2},  # noqa: S108
        {"cluster_uri": "tls://10.0.0.5:8786", "cluster_tls_file": "/etc/churn/tls.json"},
    ],
)
def test_given_a_cluster_that_may_be_spoken_to_when_read_then_it_is_accepted(keys: dict[str, Any]) -> None:
    assert _contract(**keys).cluster_uri == keys["cluster_uri"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"cluster_uri": "tcp://10.0.0.5:8786"}, "lets in whoever reaches it"),
        ({"cluster_uri": "tls://10.0.0.5:8786"}, "asks for certificates"),
        ({"cluster_uri": "tcp://127.0.0.1:8786", "environment": "embedded"}, "nothing provisioned has no cluster"),
    ],
)
def test_given_any_other_cluster_when_read_then_it_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _contract(**keys)


def test_given_compute_when_derived_then_the_contract_holds_its_size() -> None:
    asked = changed("environments.dev.compute", {"engine": "dask", "workers": 3, "memory_gb": 1.5})
    compute = Manifest.model_validate(asked).settings("dev").compute

    found = _contract(cluster_uri="tcp://127.0.0.1:8786", **derived.of_compute(compute))
    assert (found.cluster_workers, found.cluster_memory_gb, found.cluster_threads) == (3, 1.5, 1)
    assert derived.of_compute(None) == {}


def test_given_two_clusters_when_read_then_one_has_to_go() -> None:
    values = changed("environments.dev.compute", {"engine": "dask"})
    values["environments"]["dev"]["cluster"] = "tls://10.0.0.5:8786"
    with pytest.raises(ValidationError, match="compute and cluster are two clusters"):
        Manifest.model_validate(values)
