"""The platform by the real engine: from nothing and back, and what happens when something breaks in between."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from aifactory.provision import servers
from infra.providers.local import layout, processes
from infra.providers.local.supervision import Supervision
from tests.infra.engine import Bench

pytestmark = pytest.mark.slow


def _address(bench: Bench, service: str) -> str:
    return f"http://127.0.0.1:{json.loads(layout.ports(bench.home).read_text())[service]}"


def test_given_a_platform_when_nothing_changed_then_preview_and_refresh_show_no_change(bench: Bench) -> None:
    shared = bench.platform("shared")
    assert bench.preview(shared) == {}
    assert bench.drift(shared) == {}


def test_given_a_platform_when_asked_then_tracking_orchestrator_and_code_location_answer(bench: Bench) -> None:
    assert httpx.get(f"{_address(bench, 'tracking')}/health").status_code == 200
    query = "{repositoriesOrError{...on RepositoryConnection{nodes{name jobs{name}}}}}"
    answer = httpx.post(f"{_address(bench, 'dagster-webserver')}/graphql", json={"query": query}).json()
    jobs = [job["name"] for node in answer["data"]["repositoriesOrError"]["nodes"] for job in node["jobs"]]
    assert "retraining" in jobs


def test_given_a_read_only_orchestrator_when_a_run_is_launched_over_its_interface_then_it_is_refused(
    bench: Bench,
) -> None:
    query = "mutation { reloadWorkspace { __typename } }"
    answer = httpx.post(f"{_address(bench, 'dagster-webserver')}/graphql", json={"query": query}).json()
    assert answer["data"]["reloadWorkspace"]["__typename"] == "UnauthorizedError"


def test_given_a_platform_when_its_files_are_read_then_secrets_are_private_and_nowhere_else(bench: Bench) -> None:
    admin = layout.admin(bench.home)
    assert admin.stat().st_mode & 0o777 == 0o600
    password = json.loads(admin.read_text())["password"]
    for folder in ("services", "state", "work"):
        for path in (bench.home / folder).rglob("*"):
            assert not path.is_file() or password not in path.read_text(errors="replace"), path
    for pid in processes.marked(layout.socket(bench.home)):
        assert "PULUMI_CONFIG_PASSPHRASE" not in processes.environment(pid)


def test_fault_44_given_a_dead_process_when_refreshed_then_it_is_drift_and_up_repairs_it(bench: Bench) -> None:
    shared = bench.platform("shared")
    Supervision(bench.home)._call("stopProcess", "tracking")
    assert bench.drift(shared) == {"update": 1}
    assert bench.up(shared) == {"update": 1}
    assert httpx.get(f"{_address(bench, 'tracking')}/health").status_code == 200


def test_fault_44_given_every_process_killed_when_up_runs_then_all_is_back_and_nothing_runs_twice(
    bench: Bench,
) -> None:
    shared = bench.platform("shared")
    for pid in processes.marked(layout.socket(bench.home)):
        os.kill(pid, signal.SIGKILL)
    assert bench.drift(shared) == {"update": 5}
    assert bench.up(shared) == {"update": 5}
    daemons = [
        pid
        for pid in processes.marked(layout.socket(bench.home), "dagster-daemon")
        if b"dagster-daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(daemons) == 1
    assert bench.drift(shared) == {}


def test_fault_44_given_a_port_taken_by_somebody_else_when_up_runs_then_the_service_moves_and_answers(
    bench: Bench,
) -> None:
    shared = bench.platform("shared")
    before = _address(bench, "dagster-webserver")
    Supervision(bench.home)._call("stopProcess", "dagster-webserver")
    with socket.create_server(("127.0.0.1", int(before.rpartition(":")[2]))):
        lease = layout.read_json(layout.ports(bench.home))["dagster-webserver"]
        assert f"process {os.getpid()}" in str(_lease_status(bench, lease))
        assert bench.drift(shared) == {"update": 2}
        assert bench.up(shared) == {"update": 2}
        after = _address(bench, "dagster-webserver")
        assert after != before
        assert httpx.get(f"{after}/server_info").status_code == 200


def _lease_status(bench: Bench, port: int) -> object:
    from infra.providers.local.port_lease import PortLease

    state = {"home": str(bench.home), "name": "dagster-webserver", "port": port, "status": "leased"}
    return (PortLease().read(state) or {})["status"]


def test_given_services_stopped_on_purpose_when_refreshed_then_that_is_not_drift(bench: Bench) -> None:
    shared = bench.platform("shared")
    layout.stopped_marker(bench.home).touch()
    Supervision(bench.home).stop()
    assert bench.drift(shared) == {}
    Supervision(bench.home).start(str(bench.servers))
    assert bench.up(shared) == {}
    assert httpx.get(f"{_address(bench, 'tracking')}/health").status_code == 200


def test_given_a_platform_when_destroyed_then_no_process_no_port_no_folder_is_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path, servers.ensure(print))
    shared, dev = bench.platform("shared"), bench.platform("dev")
    bench.up(shared)
    bench.up(dev)
    leased = list(json.loads(layout.ports(tmp_path).read_text()).values())
    assert all(processes.listeners(port) for port in leased)
    bench.destroy(dev)
    bench.destroy(shared)
    assert processes.marked(layout.socket(tmp_path)) == []
    assert not any(processes.listeners(port) for port in leased)
    assert not layout.runtime(tmp_path).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pulumi", "state", "work"]
