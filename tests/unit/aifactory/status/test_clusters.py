"""Clusters in `status` and `open`: who has one, where its pages are, what is said when nobody answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aifactory.provision.plan import Place
from aifactory.status import addresses, clusters
from aifactory_runtime.errors import FactoryError
from tests.unit.aifactory.homes import provisioned

PAGES = "http://127.0.0.1:1/info/main/workers.html"


def _place(root: Path, **cluster: Any) -> Place:
    """A home in which churn.dev has a cluster."""
    home = provisioned(root)
    path = home.applied("churn", "dev")
    record = json.loads(path.read_text())
    record["environment"] |= {"cluster_uri": "tcp://127.0.0.1:8786", **cluster}
    path.write_text(json.dumps(record))
    return Place(home, None, None)


def _ours(path: Path) -> dict[str, Any]:
    return {"cluster_socket": str(path), "cluster_workers": 2, "cluster_memory_gb": 1.5}


@contextmanager
def _launcher(path: Path, **said: Any) -> Iterator[None]:
    """A socket that answers each question so."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(json.dumps(said).encode() + b"\n")

        threading.Thread(target=answer, daemon=True).start()
        yield
        listening.shutdown(socket.SHUT_RDWR)


def test_given_a_run_that_has_it_when_asked_then_it_and_who_waits_are_named_and_its_pages_open(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    here = _place(tmp_path, **_ours(path))
    with _launcher(path, runs=["churn in dev (process 7)", "another"], dashboard=PAGES):
        (found,) = clusters.clusters(here.home)
        assert (found.size, found.state, found.address) == ("2 workers of 1.5 GB", "running", PAGES)
        assert found.runs == "churn in dev (process 7); 1 wait"
        assert addresses.of(here, "cluster", "churn.dev").url == PAGES
        assert "cluster churn.dev" in [one.page for one in addresses.every(here)]


def test_given_no_run_when_asked_then_it_is_idle_and_has_no_page(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    here = _place(tmp_path, **_ours(path))
    with _launcher(path, runs=[], dashboard=None):
        (found,) = clusters.clusters(here.home)
        assert (found.state, found.runs, found.address) == ("idle: starts with a run", "", "")
        with pytest.raises(FactoryError, match="no cluster of churn in dev runs now"):
            addresses.of(here, "cluster", "churn.dev")


def test_given_a_launcher_that_does_not_answer_when_asked_then_what_mends_it_is_said(tmp_path: Path) -> None:
    here = _place(tmp_path, **_ours(tmp_path / "none.sock"))
    (found,) = clusters.clusters(here.home, "churn")
    assert found.state == "its launcher does not answer: factory up"
    assert clusters.clusters(here.home, "other") == []


def test_given_a_cluster_of_others_or_none_when_asked_then_only_what_is_there_is_shown(tmp_path: Path) -> None:
    here = _place(tmp_path)
    (found,) = clusters.clusters(here.home)
    assert (found.state, found.address) == ("run by others", "tcp://127.0.0.1:8786")
    with pytest.raises(FactoryError, match="no cluster of churn in prod is there"):
        addresses.of(here, "cluster", "churn.prod")
