"""The two programs without the engine: what they ask for, given good settings and bad ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from aifactory_runtime.contract import names
from infra.components.local.part import ServerSettings
from infra.policies import rules
from infra.providers.local import files, layout
from tests.fixtures import mocked_engine
from tests.fixtures.mocked_engine import run
from tests.infra.conftest import MANIFEST
from tests.infra.engine import TODAY

PLATFORM = dict.fromkeys(("tracking_uri", "registry_uri", "dagster_url"), "http://127.0.0.1:1") | {
    "snapshot_uri": "/s",
    "anchor_experiment": "9",
}
ANCHORED = {"type": "experiment", "pattern": "9", "permission": "READ"}
KNOWN = {"port": 21000, "experiment_id": "7", "sha256": "ab", "socket": "/s", "address": "http://127.0.0.1:21000"}


@dataclass
class Recorder(mocked_engine.Recorder):
    """The provider of this machine."""

    home: Path

    def outputs(self, kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        del kind, name
        return {**inputs, **KNOWN}

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return super().of(f"local:index:{kind}")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Recorder]:
    """A recorder in the engine's place."""
    files.write(layout.platform(tmp_path), json.dumps(PLATFORM))
    with mocked_engine.put_back():
        yield Recorder(tmp_path)


def usecase(recorder: Recorder, environment: str, manifest: dict[str, Any] = MANIFEST) -> dict[str, Any]:
    config = {"home": str(recorder.home), "environment": environment, "launcherPython": "/py", "today": TODAY}
    return run(recorder, "usecase", manifest=json.dumps(manifest), **config)


def test_given_the_shared_stack_when_run_then_five_services_on_loopback_with_tags(engine: Recorder) -> None:
    exports = run(engine, "platform", home="/home", environment="shared", platformPython="/env/bin/python")
    services = engine.of("Service")
    assert {inputs["name"] for inputs in services.values()} == {
        "tracking",
        "dagster-code",
        "dagster-webserver",
        "dagster-daemon",
        "dashboard",
    }
    assert "--tracking http://127.0.0.1:21000" in " ".join(services["dashboard-server"]["command"])
    assert exports["dashboard_url"] == "http://127.0.0.1:21000"
    assert "--read-only" in services["dagster-webserver"]["command"]
    assert exports["tracking_uri"] == "http://127.0.0.1:21000"
    (anchor,) = engine.of("MlflowRole").values()
    grants = [{"type": "experiment", "pattern": "7", "permission": "EDIT"}]
    assert (anchor["name"], anchor["permissions"], exports["anchor_experiment"]) == ("anchor", grants, "7")
    _no_violation(engine)


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_an_environments_ground_when_run_then_it_is_a_folder_and_no_service(
    engine: Recorder, environment: str
) -> None:
    exports = run(engine, "platform", home="/home", environment=environment, platformPython="/env/bin/python")
    assert exports == {"environment": environment, "folder": f"/home/{environment}"}
    assert engine.of("Service") == {}


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_use_case_when_run_then_grants_are_those_of_the_personas_and_tags_are_complete(
    engine: Recorder, environment: str
) -> None:
    usecase(engine, environment)
    granted = {
        inputs["name"]: {grant["permission"] for grant in inputs["permissions"] if grant != ANCHORED}
        for inputs in engine.of("MlflowRole").values()
    }
    assert granted[f"release.churn.{environment}"] >= {"EDIT"}
    assert granted[f"service.churn.{environment}"] == {"READ"}
    assert granted[f"data-scientist.churn.{environment}"] == ({"EDIT"} if environment == "dev" else {"READ"})
    assert bool(engine.of("Token")) == (environment != "dev")
    assert all(ANCHORED in inputs["permissions"] for inputs in engine.of("MlflowRole").values())
    _no_violation(engine)


def test_given_a_home_from_before_the_dashboard_when_run_then_the_contract_names_none(engine: Recorder) -> None:
    exports = usecase(engine, "dev")
    assert (exports["dashboard_url"], exports["orchestrator_url"]) == (None, "http://127.0.0.1:1")
    platform = PLATFORM | {"dashboard_url": "http://127.0.0.1:2"}
    files.write(layout.platform(engine.home), json.dumps(platform))
    assert usecase(engine, "prod")["dashboard_url"] == "http://127.0.0.1:2/churn/prod/"


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_batch_only_when_run_then_no_service_no_port_no_token_and_no_address(
    engine: Recorder, environment: str
) -> None:
    exports = usecase(engine, environment, {**MANIFEST, "scoring": "batch"})
    assert not (engine.of("Service") or engine.of("PortLease") or engine.of("Token"))
    assert exports["endpoint_url"] is None and exports["endpoint_token_file"] is None
    assert exports["scoring"] == "batch"
    written = {Path(inputs["path"]).name: json.loads(inputs["content"]) for inputs in engine.of("File").values()}
    assert written[f"churn.{environment}.json"]["manifest"]["scoring"] == "batch"
    assert written["environment.json"]["identity"] == "service"
    _no_violation(engine)


@pytest.mark.parametrize(("wanted", "told"), [({}, "required"), ({"capture": "best-effort"}, "best-effort")])
def test_given_what_an_unrecorded_prediction_becomes_when_run_then_the_contract_says_it_to_the_service(
    engine: Recorder, wanted: dict[str, str], told: str
) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["environments"]["prod"].update(wanted)
    assert usecase(engine, "prod", manifest)["capture"] == told


@pytest.mark.parametrize(("size", "workers", "memory"), [("small", "1", 2048), ("medium", "2", 4096)])
def test_given_a_size_when_run_then_the_service_has_its_workers_and_each_process_its_memory(
    engine: Recorder, size: str, workers: str, memory: int
) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["environments"]["prod"]["size"] = size
    usecase(engine, "prod", manifest)
    ((_, service),) = engine.of("Service").items()
    assert service["command"][service["command"].index("--workers") + 1] == workers
    assert f"--data={memory * 2**20}" in service["command"]


def test_given_columns_that_are_not_recorded_as_they_came_when_run_then_the_contract_says_so_and_where_the_keys_are(
    engine: Recorder,
) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["environments"]["prod"]["capture_columns"] = {"e, mail": "hash", "*": "drop"}
    said = usecase(engine, "prod", manifest)
    (keys,) = engine.of("HashKeys").values()
    assert (said["capture_columns"], said["capture_key_file"]) == ({"e, mail": "hash", "*": "drop"}, keys["path"])
    assert Path(keys["path"]).parts[-4:] == ("credentials", "prod", "churn", "capture-key.json")


def test_given_both_when_run_then_there_is_a_service_and_the_record_names_the_batch(engine: Recorder) -> None:
    manifest = copy.deepcopy({**MANIFEST, "scoring": "both"})
    manifest["environments"]["prod"]["batch"] = {"schedule": "0 5 * * *", "source": "/data/today.csv"}
    exports = usecase(engine, "prod", manifest)
    assert len(engine.of("Service")) == len(engine.of("PortLease")) == len(engine.of("Token")) == 1
    assert (exports["batch_source"], exports["endpoint_url"]) == ("/data/today.csv", "http://127.0.0.1:21000")


def _asking(**dev: Any) -> dict[str, Any]:
    return {**MANIFEST, "environments": {**MANIFEST["environments"], "dev": {**MANIFEST["environments"]["dev"], **dev}}}


def test_given_no_cluster_asked_when_run_then_none_is_there(engine: Recorder) -> None:
    exports = usecase(engine, "dev")
    assert (exports["cluster_uri"], exports["cluster_socket"]) == (None, None)
    assert [inputs["name"] for inputs in engine.of("Service").values()] == ["churn.dev"]


def test_given_compute_when_run_then_a_launcher_has_two_ports_and_the_contract_its_address_and_size(
    engine: Recorder,
) -> None:
    exports = usecase(engine, "dev", _asking(compute={"engine": "dask", "workers": 3, "memory_gb": 1.5}))
    assert exports["cluster_uri"] == "tcp://127.0.0.1:21000"
    assert exports["cluster_socket"].startswith(str(layout.runtime(engine.home)))
    size = (exports["cluster_workers"], exports["cluster_memory_gb"], exports["cluster_threads"])
    assert size == (3, 1.5, 1)
    command = " ".join(engine.of("Service")["cluster-service"]["command"])
    assert "--workers 3 --memory-gb 1.5 --threads 1" in command and "--snapshots /s/churn" in command
    assert {inputs["name"] for inputs in engine.of("PortLease").values()} >= {
        "churn.dev.cluster-scheduler",
        "churn.dev.cluster-pages",
    }
    assert usecase(engine, "prod", _asking(compute={"engine": "dask"}))["cluster_uri"] is None
    _no_violation(engine)


def test_given_a_cluster_of_others_when_run_then_nothing_is_made_and_its_certificates_have_a_place(
    engine: Recorder,
) -> None:
    exports = usecase(engine, "dev", _asking(cluster="tls://dask.example.org:8786"))
    assert exports["cluster_uri"] == "tls://dask.example.org:8786"
    assert exports["cluster_tls_file"].endswith("/credentials/dev/churn/cluster.json")
    assert exports["cluster_socket"] is None
    assert "cluster-service" not in engine.of("Service")


def test_given_no_platform_when_a_use_case_is_run_then_it_says_what_brings_it(engine: Recorder) -> None:
    layout.platform(engine.home).unlink()
    with pytest.raises(pulumi.RunError, match="factory up --platform"):
        usecase(engine, "dev")


def test_given_an_owner_who_also_approves_when_run_then_one_login_holds_both_roles(engine: Recorder) -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["environments"]["prod"]["approvers"] = ["ana"]
    usecase(engine, "prod", manifest)
    logins = engine.of("MlflowUser")
    assert logins["workspace-login-ana"]["roles"] == ["data-scientist", "approver"]
    assert {inputs["role"] for inputs in engine.of("Membership").values() if inputs["login"] == "ana.churn.prod"} == {
        "data-scientist.churn.prod",
        "approver.ana.churn.prod",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use_case": "Churn"}, "use_case"),
        ({"unknown": 1}, "unknown"),
        ({"train_in": "staging"}, "train_in"),
    ],
)
def test_given_a_manifest_that_does_not_hold_when_run_then_the_message_names_the_field(
    engine: Recorder, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        usecase(engine, "dev", {**MANIFEST, **change})
    assert engine.of("Folder") == {}


def test_given_an_unknown_environment_when_run_then_the_known_ones_are_named(engine: Recorder) -> None:
    with pytest.raises(pulumi.RunError, match="shared, dev, staging, prod"):
        run(engine, "platform", home="/home", environment="qa", platformPython="/py")
    with pytest.raises(pulumi.RunError, match="environment: qa is none of dev, staging, prod"):
        usecase(engine, "qa")


def test_given_a_setting_nobody_knows_when_a_component_is_configured_then_it_is_refused() -> None:
    good = {"home": Path("/home"), "tags": {}, "python": Path("/py")}
    assert ServerSettings.model_validate(good).python == Path("/py")
    with pytest.raises(ValueError, match="prot"):
        ServerSettings.model_validate({**good, "prot": 1})


def _no_violation(engine: Recorder) -> None:
    for typ, name, inputs in engine.asked:
        said = [*rules.mandatory_tags(typ, inputs), *rules.loopback_only(typ, inputs)]
        assert said == [], name
