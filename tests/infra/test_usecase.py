"""A use case by the real engine: what it gets, what releases may do to it, what is refused, what is left of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pulumi
import pytest
from pulumi import automation

from aifactory.home import Home
from aifactory.status import clusters
from aifactory_runtime.contract import EnvironmentContract
from infra.components.contract import contract
from infra.providers.local import layout, processes, sdk
from infra.providers.local.supervisor_client import SupervisorClient
from tests.infra.engine import Bench

pytestmark = pytest.mark.slow


def _outputs(bench: Bench, manifest: str, environment: str) -> dict[str, object]:
    stack = bench.usecase(manifest, "churn", environment)
    return {key: output.value for key, output in stack.outputs().items()}


def test_given_a_platform_when_a_new_use_case_is_previewed_then_only_creations_are_named(
    bench: Bench, manifest: str
) -> None:
    stack = bench.usecase(manifest.replace('"churn"', '"first-look"'), "first-look", "staging")
    foreseen = bench.preview(stack)
    stack.workspace.remove_stack(stack.name)
    assert list(foreseen) == ["create"]
    assert not (bench.home / "staging" / "first-look").exists()


def test_given_a_use_case_when_nothing_changed_then_preview_and_refresh_show_no_change(
    provisioned: Bench, manifest: str
) -> None:
    stack = provisioned.usecase(manifest, "churn", "prod")
    assert provisioned.preview(stack) == {}
    assert provisioned.drift(stack) == {}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_given_a_use_case_when_up_then_exports_record_and_service_file_are_one_contract(
    provisioned: Bench, manifest: str, environment: str
) -> None:
    exported = EnvironmentContract.model_validate(_outputs(provisioned, manifest, environment))
    applied = json.loads((provisioned.home / "usecases" / f"churn.{environment}.json").read_text())
    assert applied["manifest"]["use_case"] == "churn"
    assert EnvironmentContract.model_validate(applied["environment"]) == exported
    service_file = provisioned.home / environment / "churn" / "environment.json"
    service = EnvironmentContract.model_validate_json(service_file.read_text())
    assert service.identity == "service"
    assert service.model_copy(update={"identity": "ana", "credentials_file": exported.credentials_file}) == exported
    for key in ("data_uri", "artifact_uri", "capture_uri", "release_uri", "audit_uri", "events_uri", "logs_uri"):
        assert Path(getattr(exported, key)).is_dir(), key
    assert (exported.endpoint_token_file is None) == (environment == "dev")
    live = httpx.get(f"{exported.endpoint_url}/health/live")
    ready = httpx.get(f"{exported.endpoint_url}/health/ready")
    assert (live.status_code, ready.status_code) == (200, 503)


def test_given_a_use_case_when_up_then_the_exports_are_exactly_the_contracts_fields(
    provisioned: Bench, manifest: str
) -> None:
    exported = _outputs(provisioned, manifest, "prod")
    whole = EnvironmentContract.model_validate(exported).model_dump()
    # The engine leaves out an output that is null.
    assert set(exported) == {key for key, value in whole.items() if value is not None}


def test_given_a_size_when_the_service_runs_then_its_memory_is_bounded(provisioned: Bench) -> None:
    program = SupervisorClient(provisioned.home).program("churn.prod")
    assert program is not None
    limits = Path(f"/proc/{program.pid}/limits").read_text()
    assert str(2048 * 2**20) in next(line for line in limits.splitlines() if line.startswith("Max data size"))


def test_given_a_folder_removed_when_refreshed_then_it_is_drift_and_up_makes_it_again(
    provisioned: Bench, manifest: str
) -> None:
    stack = provisioned.usecase(manifest, "churn", "prod")
    folder = provisioned.home / "prod" / "churn" / "events"
    folder.rmdir()
    assert provisioned.drift(stack) == {"update": 1}
    assert provisioned.up(stack) == {"update": 1}
    assert folder.is_dir()


def test_given_a_credentials_file_opened_to_others_when_up_runs_then_it_is_private_again(
    provisioned: Bench, manifest: str
) -> None:
    stack = provisioned.usecase(manifest, "churn", "prod")
    path = provisioned.home / "credentials" / "prod" / "churn" / "release.json"
    before = path.read_text()
    path.chmod(0o644)
    assert provisioned.up(stack) == {"update": 1}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == before


def test_given_the_tracking_server_down_when_a_use_case_is_refreshed_then_nothing_of_it_is_lost(
    provisioned: Bench, manifest: str
) -> None:
    stack = provisioned.usecase(manifest, "churn", "prod")
    SupervisorClient(provisioned.home)._call("stopProcess", "tracking")
    assert provisioned.drift(stack) == {}
    assert provisioned.up(provisioned.platform("shared")) == {"update": 1}
    assert provisioned.drift(stack) == {}


def test_given_a_schedule_when_its_minute_comes_then_the_released_pipeline_runs_as_release(provisioned: Bench) -> None:
    """A stand-in for the interpreter of a released snapshot: it writes down how it was called."""
    folder = provisioned.home / "dev" / "churn"
    snapshot, heard = folder / "snapshot", folder / "heard.json"
    python = snapshot / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    # The launcher starts it too, to serve: that call is none of this test's.
    python.write_text(
        f'#!/bin/sh\n[ "$3" = run ] || exit 1\n(env; echo "ARGS=$*") > "{heard}.new"; mv "{heard}.new" "{heard}"\n'
    )
    python.chmod(0o755)
    (folder / "serving" / "current").symlink_to(snapshot)
    deadline = time.monotonic() + 90
    while not heard.exists() and time.monotonic() < deadline:
        time.sleep(0.5)
    (folder / "serving" / "current").unlink()
    said = dict(line.partition("=")[::2] for line in heard.read_text().splitlines())
    assert said["ARGS"] == "-m churn run --kind retraining"
    assert said["AIFACTORY_IDENTITY"] == "release"
    assert said["AIFACTORY_ENV_FILE"] == str(folder / "environment.json")
    assert said["AIFACTORY_CREDENTIALS_FILE"] == str(provisioned.home / "credentials/dev/churn/release.json")
    assert not {"DAGSTER_HOME", "PULUMI_CONFIG_PASSPHRASE", "FACTORY_HOME"} & said.keys()


def test_given_a_pattern_that_changes_when_up_runs_then_service_port_and_token_go_and_come(
    bench: Bench, manifest: str
) -> None:
    """Online, then batch, then both, on one stack: the records stay, and nothing is left to change."""
    folder, supervision = bench.home / "prod" / "fickle", SupervisorClient(bench.home)
    record = bench.home / "usecases" / "fickle.prod.json"
    token = bench.home / "credentials" / "prod" / "fickle" / "consumer.json"
    for pattern in ("online", "batch", "both"):
        asked = manifest.replace('"use_case": "churn"', '"use_case": "fickle"')
        stack = bench.usecase(asked.replace('"online"', f'"{pattern}"'), "fickle", "prod")
        bench.up(stack)

        assert bench.drift(stack) == {} and bench.preview(stack) == {}
        serves = pattern != "batch"
        assert (supervision.program("fickle.prod") is not None) == token.exists() == serves
        assert ("fickle.prod" in json.loads(layout.ports(bench.home).read_text())) == serves
        assert json.loads(record.read_text())["manifest"]["scoring"] == pattern
        assert json.loads((folder / "environment.json").read_text())["scoring"] == pattern
    bench.destroy(stack)
    assert not folder.exists() and not record.exists()


@pytest.mark.long
def test_given_compute_when_up_then_a_launcher_answers_is_mended_when_it_stops_and_goes_when_it_is_left_out(
    provisioned: Bench, manifest: str
) -> None:
    values, name, supervision = json.loads(manifest), "churn.dev.cluster", SupervisorClient(provisioned.home)
    values["environments"]["dev"]["compute"] = {"engine": "dask", "workers": 2, "memory_gb": 0.5}
    stack = provisioned.usecase(json.dumps(values), "churn", "dev")
    assert supervision.program(name) is None
    provisioned.up(stack)

    exported = EnvironmentContract.model_validate({key: one.value for key, one in stack.outputs().items()})
    leases = json.loads(layout.ports(provisioned.home).read_text())
    assert exported.cluster_uri == f"tcp://127.0.0.1:{leases[f'{name}-scheduler']}"
    (shown,) = clusters.clusters(Home(provisioned.home), "churn")
    assert (shown.size, shown.state) == ("2 workers of 0.5 GB", "idle: starts with a run")
    supervision._call("stopProcess", name)
    assert provisioned.drift(stack) == {"update": 1}
    assert provisioned.up(stack) == {"update": 1}
    (shown,) = clusters.clusters(Home(provisioned.home), "churn")
    assert shown.state == "idle: starts with a run"

    provisioned.up(provisioned.usecase(manifest, "churn", "dev"))
    assert supervision.program(name) is None
    assert not [lease for lease in json.loads(layout.ports(provisioned.home).read_text()) if lease.startswith(name)]
    assert clusters.clusters(Home(provisioned.home), "churn") == []


def test_given_a_secret_among_the_outputs_when_previewed_then_it_is_refused_in_a_sentence(bench: Bench) -> None:
    def program() -> None:
        values = contract({"use_case": "churn", "tracking_uri": pulumi.Output.secret("http://somewhere")})
        pulumi.export("tracking_uri", values["tracking_uri"])

    stack = bench.stack_of("usecase", "secret.dev", {}, program)
    with pytest.raises(automation.CommandError) as refused:
        bench.preview(stack)
    assert "tracking_uri is secret and may not be exported" in str(refused.value)
    assert "http://somewhere" not in str(refused.value)


def test_given_tags_left_out_or_an_open_address_when_previewed_then_the_policies_refuse_it(
    bench: Bench, tmp_path: Path
) -> None:
    def program() -> None:
        sdk.Folder("untagged", path=str(tmp_path / "x"))
        command = ["python", "-m", "http.server"]
        anywhere = "0.0.0.0"  # noqa: S104  given to be refused
        home = str(bench.home)
        sdk.Service("open", home=home, service="open", command=command, directory="/", host=anywhere, port=21000)

    stack = bench.stack_of("usecase", "policies.dev", {}, program)
    with pytest.raises(automation.CommandError) as refused:
        bench.preview(stack)
    assert "mandatory-tags" in str(refused.value)
    assert "tags.of_use_case(manifest, environment)" in str(refused.value)
    assert "loopback-only" in str(refused.value)
    assert not (tmp_path / "x").exists()


AT_WORK = """
import sys, time
from pathlib import Path
from aifactory_runtime import files
folder, applied = map(Path, sys.argv[1:])
with files.lock(folder / "triggers" / "tick.lock", "busy"):
    print("begun", flush=True)
    limit = until = time.monotonic() + 300
    while time.monotonic() < until:
        if until == limit and not applied.exists():
            until = time.monotonic() + 1
        files.write(folder / "events" / str(time.monotonic_ns()), "{}")
        time.sleep(0.01)
sys.exit(until == limit)
"""


def _at_work(home: Path, use_case: str, environment: str) -> subprocess.Popen[bytes]:
    """A tick that goes on until a second after the orchestrator may no longer start any."""
    applied = home / "usecases" / f"{use_case}.{environment}.json"
    command = [sys.executable, "-c", AT_WORK, str(home / environment / use_case), str(applied)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def test_given_a_use_case_when_destroyed_then_nothing_of_it_is_left_and_the_platform_stays(
    bench: Bench, manifest: str
) -> None:
    stack = bench.usecase(manifest, "churn", "staging")
    bench.up(stack)
    port = json.loads(layout.ports(bench.home).read_text())["churn.staging"]
    with _at_work(bench.home, "churn", "staging") as ticking:
        bench.destroy(stack)
        assert ticking.wait() == 0, "what a program was at work in went before it had ended"
    assert not processes.listeners(port)
    assert not (bench.home / "staging" / "churn").exists()
    assert not (bench.home / "usecases" / "churn.staging.json").exists()
    assert not list((bench.home / "credentials" / "staging").rglob("*.json"))
    assert "churn.staging" not in json.loads(layout.ports(bench.home).read_text())
    assert bench.drift(bench.platform("shared")) == {}
    assert (bench.home / "shared" / "mlflow").is_dir()
