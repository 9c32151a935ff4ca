"""The platform by the real engine: what it answers, what it keeps private, and that it comes back after the worst."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from infra.providers.local import layout, processes
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


def test_given_a_read_only_orchestrator_when_it_is_told_to_change_then_it_refuses(bench: Bench) -> None:
    query = "mutation { reloadWorkspace { __typename } }"
    answer = httpx.post(f"{_address(bench, 'dagster-webserver')}/graphql", json={"query": query}).json()
    assert answer["data"]["reloadWorkspace"]["__typename"] == "UnauthorizedError"


def test_given_a_platform_when_its_pages_are_asked_then_vendors_learn_sell_and_run_nothing(bench: Bench) -> None:
    tracking, dagster = f"{_address(bench, 'tracking')}/ajax-api/3.0/mlflow", _address(bench, "dagster-webserver")
    admin = json.loads(layout.admin(bench.home).read_text())
    with httpx.Client(auth=(admin["login"], admin["password"]), timeout=30) as client:
        told = client.get(f"{tracking}/ui-telemetry").json()
        sent = client.post(f"{tracking}/ui-telemetry", json={"records": [{"event_name": "x"}]}).json()
        assistant = client.get(f"{tracking}/assistant/config")
    asked = httpx.post(f"{dagster}/graphql", json={"query": "{shouldShowNux}"}).json()
    assert (told["disable_ui_telemetry"], sent) == (True, {"status": "disabled"})
    assert assistant.status_code == 404
    assert asked["data"]["shouldShowNux"] is False
    assert '"telemetryEnabled": false' in httpx.get(dagster).text.replace('"false"', "false")


def test_given_an_orchestrator_when_opened_then_its_schedules_say_where_the_use_cases_are(bench: Bench) -> None:
    query = """{schedulesOrError(
        repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "aifactory"}
    ) {... on Schedules {results {name description}}}}"""
    answer = httpx.post(f"{_address(bench, 'dagster-webserver')}/graphql", json={"query": query}).json()
    said = {one["name"]: one["description"] for one in answer["data"]["schedulesOrError"]["results"]}
    assert set(said) == {f"{name}_every_minute" for name in ("retraining", "scoring", "tidying", "tick", "anchor")}
    assert "its time has come" in said.pop("tick_every_minute")
    assert "audit log that moved" in said.pop("anchor_every_minute")
    assert all("its latest tick names every use case with its cron" in text.lower() for text in said.values())


def test_given_a_platform_when_its_files_are_read_then_secrets_are_private_and_nowhere_else(bench: Bench) -> None:
    admin = layout.admin(bench.home)
    assert admin.stat().st_mode & 0o777 == 0o600
    password = json.loads(admin.read_text())["password"]
    for folder in ("services", "state", "work"):
        for path in (bench.home / folder).rglob("*"):
            assert not path.is_file() or password not in path.read_text(errors="replace"), path
    for pid in processes.marked(layout.socket(bench.home)):
        assert "PULUMI_CONFIG_PASSPHRASE" not in processes.environment(pid)


def test_fault_44_given_every_process_killed_when_up_runs_then_all_is_back_and_nothing_runs_twice(
    bench: Bench,
) -> None:
    shared = bench.platform("shared")
    for pid in processes.marked(layout.socket(bench.home)):
        os.kill(pid, signal.SIGKILL)
    assert bench.drift(shared) == {"update": 6}
    assert bench.up(shared) == {"update": 6}
    daemons = [
        pid
        for pid in processes.marked(layout.socket(bench.home), "dagster-daemon")
        if b"dagster-daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(daemons) == 1
