"""Opening a cluster: which are refused, in which words, and how soon; certificates on both sides."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from distributed import LocalCluster

from aifactory_runtime.cluster import certificates, facts
from aifactory_runtime.cluster.connect import connect
from aifactory_runtime.cluster.facts import Released
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.cluster import NO_PAGES, MakeCertificates

pytestmark = pytest.mark.heavy


def test_given_the_same_code_when_connected_then_workers_compute(dask_cluster: LocalCluster) -> None:
    with connect(dask_cluster.scheduler_address) as client:
        assert client.submit(sum, [1, 2]).result() == 3
    assert client.status == "closed"


def test_given_nobody_there_when_connected_then_one_line_says_so() -> None:
    with socket.socket() as held:  # bound and not listening: nobody else gets the port
        held.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
        said = rf"^the scheduler at {address} does not answer within 0.5 s: start it, or mend cluster_uri$"
        with pytest.raises(FactoryError, match=said), connect(address, seconds=0.5):
            pass


def test_given_another_package_there_when_connected_then_it_is_refused_by_name(
    dask_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = facts.here()
    other = tuple((name, "9.9" if name == "pandas" else version) for name, version in ours.versions)
    monkeypatch.setattr(facts, "_versions", lambda: other)
    # The scheduler of this fixture is in this process, so it has what this process is said to have.
    said = rf"worker tcp://\S+ of the cluster at .* differs from this run: pandas {ours.by_name['pandas']} instead of 9"
    with pytest.raises(FactoryError, match=said), connect(dask_cluster.scheduler_address):
        pass


def test_given_another_commit_there_when_connected_then_it_is_refused_by_name(dask_cluster: LocalCluster) -> None:
    released = Released("a" * 40, "b" * 64)
    with (
        pytest.raises(FactoryError, match=r"differs from this run: commit none instead of aaaaaaaaaaaa; lock none"),
        connect(dask_cluster.scheduler_address, released=released),
    ):
        pass


def test_given_no_worker_when_connected_then_the_command_that_starts_one_is_said() -> None:
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=NO_PAGES) as cluster,
        pytest.raises(FactoryError, match=r"no worker for 0.2 s: start one with python -m <package> worker"),
        connect(cluster.scheduler_address, seconds=0.2),
    ):
        pass


def test_given_an_open_address_when_connected_then_it_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageProblem, match="use tls://"), connect("tcp://192.0.2.1:8786"):
        pass


def test_given_certificates_when_connected_then_only_who_has_one_of_the_same_authority_is_let_in(
    tmp_path: Path, make_certificates: MakeCertificates
) -> None:
    ours, foreign = make_certificates(tmp_path / "ours"), make_certificates(tmp_path / "foreign")
    security = certificates.read(ours).security()
    with LocalCluster(
        n_workers=1, processes=False, host="127.0.0.1", protocol="tls://", dashboard_address=NO_PAGES, security=security
    ) as cluster:
        with connect(cluster.scheduler_address, ours) as client:
            assert client.submit(sum, [1, 2]).result() == 3
        with (
            pytest.raises(FactoryError, match=r"do not accept each other's certificates"),
            connect(cluster.scheduler_address, foreign, seconds=1),
        ):
            pass
