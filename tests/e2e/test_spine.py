"""From a table to a traced prediction in prod: the demo's result, and the changes of state that must hold.

Tests run in the order of this file and share one platform; each leaves it as a later one expects it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from aifactory_runtime.data import tables
from infra.providers.local.supervisor_client import SupervisorClient
from tests.e2e.conftest import demo
from tests.e2e.spine import FACTORY, USE_CASE, Spine
from tests.fixtures import prediction_log

pytestmark = pytest.mark.e2e


def mlflow(spine: Spine, environment: str, identity: str, method: str, path: str, **body: Any) -> httpx.Response:
    """One call of MLflow's REST API as an identity."""
    login = spine.credentials(environment, identity)
    address = f"{spine.contract(environment)['tracking_uri']}/api/2.0/mlflow/{path}"
    arguments: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
    return httpx.request(method, address, auth=(login["login"], login["password"]), timeout=30, **arguments)


def champion(spine: Spine, environment: str) -> str:
    """Version of the champion that the registry names."""
    found = mlflow(
        spine,
        environment,
        "release",
        "GET",
        "registered-models/alias",
        name=f"{spine.use_case}.{environment}",
        alias="champion",
    )
    assert found.status_code == 200, found.text
    return str(found.json()["model_version"]["version"])


def everything_but_predictions(spine: Spine) -> dict[str, Any]:
    """What a second run must not change: versions, runs, tables, audit lines, what is served, code snapshots."""
    state: dict[str, Any] = {}
    for environment in ("dev", "staging", "prod"):
        folder = spine.home / environment / spine.use_case
        state[f"{environment}.audit"] = (folder / "audit" / "audit.jsonl").read_text()
        state[f"{environment}.serving"] = (folder / "serving" / "serving.json").read_text()
        state[f"{environment}.tables"] = sorted(str(path) for path in (folder / "tables").rglob("*.json"))
        contract = spine.contract(environment)
        experiment = mlflow(
            spine, environment, "release", "GET", "experiments/get-by-name", experiment_name=contract["experiment"]
        ).json()["experiment"]["experiment_id"]
        runs = mlflow(
            spine, environment, "release", "POST", "runs/search", experiment_ids=[experiment], max_results=100
        )
        state[f"{environment}.runs"] = sorted(run["info"]["run_id"] for run in runs.json().get("runs", []))
        versions = mlflow(
            spine, environment, "release", "GET", "model-versions/search", filter=f"name='{contract['model_name']}'"
        ).json()["model_versions"]
        state[f"{environment}.versions"] = sorted((one["version"], str(one.get("aliases"))) for one in versions)
        assert versions
    state["snapshots"] = sorted(path.name for path in (spine.home / "snapshots" / spine.use_case).iterdir())
    return state


def predict(spine: Spine, environment: str = "prod") -> str:
    """Prediction id of one accepted request."""
    token = json.loads(Path(spine.contract(environment)["endpoint_token_file"]).read_text())["token"]
    status, answer = spine.ask(environment, spine.row(), token=token)
    assert status == 200
    return str(answer["prediction_ids"][0])


def await_ready(spine: Spine) -> None:
    """Wait until prod's service is ready, a minute at most."""
    address = f"{spine.contract('prod')['endpoint_url']}/health/ready"
    deadline, status = time.monotonic() + 60, 0
    while status != 200 and time.monotonic() < deadline:
        time.sleep(0.5)
        with contextlib.suppress(httpx.HTTPError):
            status = httpx.get(address, timeout=5).status_code
    assert status == 200


def assert_unchanged(spine: Spine, *commands: str) -> None:
    """`refresh` of the use case shows no change in any environment; nor does `up`, where it is asked too."""
    for command in ("refresh", *commands):
        results = json.loads(spine.must(spine.factory(command, "--json")).out)
        assert [result["stack"] for result in results] == [
            f"{spine.use_case}.{name}" for name in ("dev", "staging", "prod")
        ]
        assert [result["changed"] for result in results] == [[], [], []]


def test_given_the_demo_when_it_ends_then_it_shows_addresses_seconds_and_a_trace(spine: Spine) -> None:
    log = (spine.folder.parent / "demo.log").read_text()

    assert re.search(r"^MLflow +http://127\.0\.0\.1:\d+", log, re.MULTILINE)
    assert re.search(r"^Dagster +http://127\.0\.0\.1:\d+", log, re.MULTILINE)
    assert len(re.findall(r"^service docs +http://127\.0\.0\.1:\d+/docs", log, re.MULTILINE)) == 6
    assert re.search(r"\d+\.\d  Train and register in dev", log)
    assert "make demo-down" in log
    assert "vera" in log


def test_given_a_prediction_when_traced_then_version_run_commit_data_and_approval_are_named(spine: Spine) -> None:
    prediction = predict(spine)

    traced = json.loads(spine.must(spine.python("trace", prediction, "--env", "prod", "--json")).out)

    commit = spine.must(spine.run("git", "rev-parse", "HEAD")).out.strip()
    text = json.dumps(traced)
    assert commit in text
    assert champion(spine, "prod") in text
    assert "vera" in text
    assert re.search(r"\d+@[0-9a-f]{64}", text), "a data version"
    assert re.search(r'"[0-9a-f]{32}"', text), "an MLflow run"


def test_given_the_regression_when_scored_online_and_in_batch_then_each_prediction_leads_back(spine: Spine) -> None:
    other = spine.other
    scored = other.must(other.python("score", "--json", environment="prod")).out
    table = tables.read(Path(other.contract("prod")["data_uri"]), tables.SCORED)

    assert json.loads(scored)["new"] is False, "the demo scored it"
    assert len(table) == json.loads(scored)["rows"] == 442
    for prediction in (predict(other), table["prediction_id"][7]):
        traced = json.loads(other.must(other.python("trace", prediction, "--env", "prod", "--json")).out)
        assert traced["version"] == champion(other, "prod") and traced["copied_from"].startswith("staging/")
        assert isinstance(traced["output"]["prediction"], float) and not traced["output"].get("probabilities")


def test_given_both_use_cases_when_asked_for_the_status_then_one_table_shows_them(spine: Spine) -> None:
    rows = json.loads(spine.must(spine.factory("status", "--json", cwd=spine.folder)).out)["serving"]

    assert {(row["use_case"], row["environment"], row["remark"]) for row in rows} == {
        (one.use_case, name, "") for one in (spine, spine.other) for name in ("dev", "staging", "prod")
    }


def test_given_a_released_use_case_when_refreshed_and_applied_again_then_nothing_changes(spine: Spine) -> None:
    assert_unchanged(spine, "up")
    assert_unchanged(spine.other, "up")


def test_given_staging_and_prod_when_asked_without_the_token_then_it_is_refused(spine: Spine) -> None:
    for environment in ("staging", "prod"):
        assert spine.ask(environment, spine.row())[0] == 401
        assert spine.ask(environment, spine.row(), token="x" * 43)[0] == 401


def test_given_a_data_scientist_when_writing_then_dev_accepts_and_prod_refuses(spine: Spine) -> None:
    ours = {"alias": "tried", "version": "1"}

    in_dev = mlflow(spine, "dev", "ana", "POST", "registered-models/alias", name=f"{USE_CASE}.dev", **ours)
    ours["alias"] = "champion"
    in_prod = mlflow(spine, "prod", "ana", "POST", "registered-models/alias", name=f"{USE_CASE}.prod", **ours)
    with_dev_login = httpx.post(
        f"{spine.contract('prod')['tracking_uri']}/api/2.0/mlflow/registered-models/alias",
        json={"name": f"{USE_CASE}.prod", **ours},
        auth=(spine.credentials("dev", "ana")["login"], spine.credentials("dev", "ana")["password"]),
        timeout=30,
    )

    assert (in_dev.status_code, in_prod.status_code, with_dev_login.status_code) == (200, 403, 403)


def test_given_the_service_identity_when_writing_then_it_is_refused(spine: Spine) -> None:
    moved = mlflow(
        spine,
        "prod",
        "service",
        "POST",
        "registered-models/alias",
        name=f"{USE_CASE}.prod",
        alias="champion",
        version="1",
    )

    assert moved.status_code == 403


def test_given_the_demo_when_run_again_then_only_the_prediction_log_grows(spine: Spine) -> None:
    log = spine.home / "prod" / USE_CASE / "capture"
    lines = len(prediction_log.text(log).splitlines())
    before = [everything_but_predictions(one) for one in (spine, spine.other)]

    again = demo(spine.folder)

    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert [everything_but_predictions(one) for one in (spine, spine.other)] == before
    assert len(prediction_log.text(log).splitlines()) == lines + 1


def commit_change(spine: Spine) -> None:
    """A change of the science that gives another model."""
    conf = spine.repo / "conf" / "base.yaml"
    text = conf.read_text()
    assert "penalty_strength: 1.0" in text
    conf.write_text(text.replace("penalty_strength: 1.0", "penalty_strength: 0.5"))
    spine.must(
        spine.run(
            "git", "-c", "user.name=ana", "-c", "user.email=ana@example.invalid", "commit", "-qam", "Less penalty"
        )
    )


def release_to_prod(spine: Spine) -> None:
    """Train, stage, approve and release what the repo holds now."""
    spine.must(spine.python("run", environment="dev"))
    spine.must(spine.factory("release", "--to", "staging"))
    waits = spine.must(spine.factory("release", "--to", "prod"), code=3)
    assert "approve" in waits.everything
    refused = spine.factory("approve", "--env", "prod", "--as", "ana")
    assert refused.code != 0, "the owner is not an approver"
    spine.must(spine.factory("approve", "--env", "prod", "--as", "vera"))
    spine.must(spine.factory("release", "--to", "prod"))


def test_given_a_second_model_when_released_and_rolled_back_then_prod_follows_and_infra_sees_no_change(
    spine: Spine,
) -> None:
    first = spine.serving("prod")["champion"]
    commit_change(spine)

    release_to_prod(spine)

    second = spine.serving("prod")["champion"]
    assert second["sha256"] != first["sha256"]
    assert champion(spine, "prod") == second["version"]
    predict(spine)
    assert_unchanged(spine)

    spine.must(spine.factory("rollback", "--env", "prod"))

    assert spine.serving("prod")["champion"]["sha256"] == first["sha256"]
    assert champion(spine, "prod") == first["version"]
    traced = spine.must(spine.factory("trace", predict(spine), "--env", "prod", "--json")).out
    assert first["sha256"] in traced
    assert_unchanged(spine, "up")


def service_processes(spine: Spine, environment: str) -> list[int]:
    """Workers that report in this environment and live."""
    folder = spine.home / environment / USE_CASE / "serving" / "status"
    pids = [json.loads(path.read_text())["pid"] for path in folder.glob("*.json")]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_given_dev_experiment_deleted_when_prod_starts_anew_then_it_loads_its_champion(spine: Spine) -> None:
    admin = json.loads((spine.home / "credentials" / "admin.json").read_text())
    address = f"{spine.contract('dev')['tracking_uri']}/api/2.0/mlflow/experiments"
    auth = (admin["login"], admin["password"])
    found = httpx.get(f"{address}/get-by-name", params={"experiment_name": f"dev/{USE_CASE}"}, auth=auth, timeout=30)
    identifier = found.json()["experiment"]["experiment_id"]
    deleted = httpx.post(f"{address}/delete", json={"experiment_id": identifier}, auth=auth, timeout=30)
    assert deleted.status_code == 200
    cache = spine.home / "prod" / USE_CASE / "serving" / "models"
    for path in cache.iterdir():
        path.rename(spine.folder.parent / f"moved-{path.name}")

    for pid in service_processes(spine, "prod"):
        os.kill(pid, signal.SIGKILL)
    await_ready(spine)
    predict(spine)
    assert any(cache.iterdir()), "fetched again from prod's own artefacts"


def test_given_the_deleted_experiment_when_refreshed_then_drift_is_named_and_up_restores_it(spine: Spine) -> None:
    drift = spine.factory("refresh", "dev")

    assert drift.code == 3
    assert f"drift in {USE_CASE}.dev" in drift.err
    assert "xperiment" in drift.err
    spine.must(spine.factory("up", "dev"))
    spine.must(spine.factory("refresh", "dev"))


def test_fault_44_given_a_dead_service_whose_port_is_taken_when_refreshed_then_it_is_named_and_repaired(
    spine: Spine,
) -> None:
    port = int(spine.contract("prod")["endpoint_url"].rpartition(":")[2])
    supervisor = SupervisorClient(spine.home)
    launcher = supervisor.program(f"{USE_CASE}.prod")
    assert launcher is not None
    os.kill(launcher.pid, signal.SIGSTOP)
    for pid in [*service_processes(spine, "prod"), launcher.pid]:
        os.kill(pid, signal.SIGKILL)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                taken.bind(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.01)
        taken.listen()

        drift = spine.factory("refresh", "prod")

        assert drift.code == 3, drift.everything
        assert "Service" in drift.err
        spine.must(spine.factory("up", "prod"))
    await_ready(spine)
    predict(spine)
    spine.must(spine.factory("refresh", "prod"))


def test_given_a_deleted_folder_when_refreshed_then_it_is_named_and_up_makes_it_again(spine: Spine) -> None:
    folder = spine.home / "prod" / USE_CASE / "audit"
    gone = spine.folder.parent / "audit-moved"
    folder.rename(gone)

    drift = spine.factory("refresh", "prod")

    assert drift.code == 3
    assert "Folder" in drift.err
    spine.must(spine.factory("up", "prod"))
    shutil.rmtree(folder)  # the audit log began anew with who has access
    gone.rename(folder)
    spine.must(spine.factory("refresh", "prod"))


def test_given_a_schedule_and_other_rows_when_it_is_due_then_dagster_trains_with_the_released_pipeline(
    spine: Spine,
) -> None:
    table = spine.folder.parent / "other-rows.csv"
    table.write_text("\n".join((spine.repo / "data" / "sample.csv").read_text().splitlines()[:-9]))
    manifest = spine.repo / "factory.yaml"
    text = manifest.read_text()
    moved = text.replace('data_source: "data/sample.csv"', f'data_source: "{table}"', 1)  # dev's, which is the first
    manifest.write_text(re.sub(r'schedule: "[^"]+"', 'schedule: "* * * * *"', moved))
    spine.must(spine.factory("up", "dev"))
    runs = spine.home / "dev" / USE_CASE / "artifacts" / "runs"

    def retrainings() -> list[dict[str, Any]]:
        handoffs = [json.loads(path.read_text()) for path in runs.glob("*/handoff.json")]
        return [handoff for handoff in handoffs if handoff["kind"] == "retraining" and handoff["version"]]

    deadline = time.monotonic() + 400  # a minute for the schedule, then interpreters start one after another
    while not retrainings() and time.monotonic() < deadline:
        time.sleep(2)
    manifest.write_text(text)
    spine.must(spine.factory("up", "dev"))

    said = spine.python("requests", environment="dev").everything
    logs = [path.read_text()[-3000:] for path in (spine.home / "services" / "logs").glob("dagster*.log")]
    assert retrainings(), "\n".join([said, *logs])


def test_given_environments_when_asked_for_outputs_and_status_then_they_are_printed_and_written(spine: Spine) -> None:
    contract = spine.contract("prod")
    (spine.repo / ".factory" / "prod.json").unlink()

    spine.must(spine.factory("outputs", "prod", "--write"))

    assert spine.contract("prod") == contract
    dotenv = spine.must(spine.factory("outputs", "prod", "--format", "dotenv")).out
    assert f"AIFACTORY_ENDPOINT_URL={contract['endpoint_url']}" in dotenv.splitlines()
    shown = json.loads(spine.must(spine.factory("status", "--json")).out)
    rows = {row["environment"]: row for row in shown["serving"] if row["use_case"] == USE_CASE}
    assert rows["prod"]["released"] == rows["prod"]["served"] == rows["prod"]["registry"] == champion(spine, "prod")
    assert rows["prod"]["remark"] == ""
    other = "1" if champion(spine, "prod") != "1" else "2"
    move = {"name": f"{USE_CASE}.prod", "alias": "champion"}
    now = champion(spine, "prod")
    mlflow(spine, "prod", "release", "POST", "registered-models/alias", **move, version=other)
    apart = json.loads(spine.must(spine.factory("status", "--json")).out)
    mlflow(spine, "prod", "release", "POST", "registered-models/alias", **move, version=now)
    remarks = {row["environment"]: row["remark"] for row in apart["serving"] if row["use_case"] == USE_CASE}
    assert "registry and release differ" in remarks["prod"]


def test_given_stopped_services_when_refreshed_then_it_is_no_drift_and_start_brings_them_back(spine: Spine) -> None:
    stopped = json.loads(spine.must(spine.factory("stop", "--json")).out)["services"]
    assert {service["state"] for service in stopped} == {"stopped"}
    spine.must(spine.factory("refresh", "prod"))
    with pytest.raises(httpx.ConnectError):
        spine.ask("prod", spine.row())

    started = json.loads(spine.must(spine.factory("start", "--json")).out)["services"]

    assert {service["state"] for service in started} == {"running"}
    await_ready(spine)
    predict(spine)


def test_fault_41_given_an_interrupted_up_when_run_again_then_it_converges(spine: Spine) -> None:
    spine.must(spine.factory("destroy", "dev", "--yes"))
    interrupted = subprocess.Popen(
        [FACTORY, "up", "dev", "--verbose"], cwd=spine.repo, env=spine.variables, stderr=subprocess.PIPE, text=True
    )
    assert interrupted.stderr is not None
    line = interrupted.stderr.readline()
    while line and "created" not in line:
        line = interrupted.stderr.readline()
    assert "created" in line
    interrupted.kill()
    interrupted.communicate()

    spine.must(spine.factory("up", "dev"))
    spine.must(spine.factory("refresh", "dev"))


def test_given_everything_when_destroyed_then_no_process_no_port_and_no_folder_is_left(spine: Spine) -> None:
    ports = json.loads((spine.home / "services" / "ports.json").read_text())
    endpoint = spine.contract("prod")["endpoint_url"]

    done = demo(spine.folder, "down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert not spine.folder.exists()
    assert int(endpoint.rpartition(":")[2]) in ports.values()
    for port in ports.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert str(spine.home).encode() not in process.read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
