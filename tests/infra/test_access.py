"""Access, tried live at the tracking server with each identity's own login."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from aifactory_runtime.contract import names
from infra.providers.local import layout
from tests.infra.engine import Bench

pytestmark = pytest.mark.slow

API = "/api/2.0/mlflow/"


class Caller:
    """The tracking server as one identity sees it. Answers are status codes and bodies; nothing is raised."""

    def __init__(self, bench: Bench, environment: str, identity: str) -> None:
        path = bench.home / "credentials" / environment / "churn" / f"{identity}.json"
        assert path.stat().st_mode & 0o777 == 0o600
        login = json.loads(path.read_text())
        port = json.loads(layout.ports(bench.home).read_text())[layout.TRACKING]
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", auth=(login["login"], login["password"]), timeout=30
        )

    def post(self, path: str, **fields: Any) -> httpx.Response:
        return self.client.post(API + path, json=fields)

    def get(self, path: str, **fields: Any) -> httpx.Response:
        return self.client.get(API + path, params=fields)

    def experiment(self, name: str) -> str:
        answer = self.get("experiments/get-by-name", experiment_name=name)
        return str(answer.json()["experiment"]["experiment_id"])

    def run_in(self, experiment: str) -> httpx.Response:
        return self.post("runs/create", experiment_id=experiment, start_time=1)


@pytest.fixture(scope="module")
def champion(provisioned: Bench) -> str:
    """A version in prod's registry with the alias champion, put there by prod's release identity."""
    release = Caller(provisioned, "prod", names.RELEASE)
    experiment = release.experiment("prod/churn")
    run = release.run_in(experiment).json()["run"]["info"]
    uploaded = release.client.put(
        f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run['run_id']}/artifacts/m/model.txt", content=b"model"
    )
    assert uploaded.status_code == 200
    source = f"runs:/{run['run_id']}/m"
    made = release.post("model-versions/create", name="churn.prod", source=source, run_id=run["run_id"])
    version = str(made.json()["model_version"]["version"])
    alias = release.post("registered-models/alias", name="churn.prod", alias="champion", version=version)
    assert alias.status_code == 200
    return f"{experiment}/{run['run_id']}/artifacts/m/model.txt"


def test_given_a_data_scientist_when_in_dev_then_they_log_runs_and_register_versions(provisioned: Bench) -> None:
    ana = Caller(provisioned, "dev", "ana")
    run = ana.run_in(ana.experiment("dev/churn")).json()["run"]["info"]["run_id"]
    made = ana.post("model-versions/create", name="churn.dev", source=f"runs:/{run}/m", run_id=run)
    assert made.status_code == 200


def test_given_a_data_scientist_when_in_prod_then_they_read_and_cannot_move_the_champion(
    provisioned: Bench, champion: str
) -> None:
    ana = Caller(provisioned, "prod", "ana")
    assert ana.get("registered-models/alias", name="churn.prod", alias="champion").status_code == 200
    moved = ana.post("registered-models/alias", name="churn.prod", alias="champion", version="1")
    assert moved.status_code == 403
    assert ana.run_in(ana.experiment("prod/churn")).status_code == 403
    overwritten = ana.client.put(f"/api/2.0/mlflow-artifacts/artifacts/{champion}", content=b"other")
    assert overwritten.status_code == 403


def test_given_devs_login_when_used_on_prod_then_nothing_there_can_be_seen(provisioned: Bench, champion: str) -> None:
    ana = Caller(provisioned, "dev", "ana")
    assert ana.get("registered-models/get", name="churn.prod").status_code == 403
    assert ana.client.get(f"/api/2.0/mlflow-artifacts/artifacts/{champion}").status_code == 403


def test_given_the_service_when_it_calls_then_it_reads_the_champion_and_writes_nothing(
    provisioned: Bench, champion: str
) -> None:
    service = Caller(provisioned, "prod", names.SERVICE)
    assert service.client.get(f"/api/2.0/mlflow-artifacts/artifacts/{champion}").content == b"model"
    assert service.run_in(service.experiment("prod/churn")).status_code == 403
    moved = service.post("registered-models/alias", name="churn.prod", alias="champion", version="1")
    assert moved.status_code == 403


def test_given_an_approver_when_they_write_then_only_their_own_approvals_take_it(provisioned: Bench) -> None:
    release = Caller(provisioned, "prod", names.RELEASE)
    own, other = (release.experiment(names.approvals("churn", "prod", person)) for person in ("vera", "otto"))
    vera = Caller(provisioned, "prod", "vera")
    assert vera.run_in(own).status_code == 200
    assert vera.run_in(other).status_code == 403
    assert vera.run_in(vera.experiment("prod/churn")).status_code == 403
    assert release.run_in(own).status_code == 403
    found = release.post("runs/search", experiment_ids=[own, other]).json()["runs"]
    assert [run["info"]["experiment_id"] for run in found] == [own]


@pytest.mark.parametrize("identity", ["ana", "vera", names.RELEASE, names.SERVICE])
def test_given_any_identity_when_it_makes_an_experiment_or_a_model_then_it_is_refused(
    provisioned: Bench, identity: str
) -> None:
    caller = Caller(provisioned, "prod", identity)
    assert caller.post("experiments/create", name=f"mine-{identity}").status_code == 403
    assert caller.post("registered-models/create", name=f"mine-{identity}").status_code == 403


def test_given_a_release_when_refreshed_and_up_again_then_nothing_of_it_changes(
    provisioned: Bench, manifest: str, champion: str
) -> None:
    serving = provisioned.home / "prod" / "churn" / "serving"
    (serving / "serving.json").write_text('{"schema": 1, "sequence": 1}')
    stack = provisioned.usecase(manifest, "churn", "prod")
    assert provisioned.drift(stack) == {}
    assert provisioned.up(stack) == {}
    ana = Caller(provisioned, "prod", "ana")
    answer = ana.get("registered-models/alias", name="churn.prod", alias="champion").json()
    assert answer["model_version"]["run_id"] in champion
    assert (serving / "serving.json").exists()


def test_given_a_role_taken_away_at_the_server_when_refreshed_then_it_is_drift_and_up_gives_it_back(
    provisioned: Bench, manifest: str
) -> None:
    from infra.providers.local import mlflow_client, mlflow_role

    home = str(provisioned.home)
    role = mlflow_role.find(home, "service.churn.prod")
    mlflow_client.call(home, "DELETE", "3.0/mlflow/roles/delete", role_id=role["id"])
    stack = provisioned.usecase(manifest, "churn", "prod")
    # The role is gone, and with it the login's place in it.
    assert provisioned.drift(stack) == {"delete": 2}
    assert provisioned.up(stack) == {"create": 2}
    service = Caller(provisioned, "prod", names.SERVICE)
    assert service.get("registered-models/get", name="churn.prod").status_code == 200


def test_given_a_grant_nobody_asked_for_when_up_runs_then_it_is_taken_away(provisioned: Bench, manifest: str) -> None:
    from infra.providers.local import mlflow_client, mlflow_role

    home = str(provisioned.home)
    role = mlflow_role.find(home, "data-scientist.churn.prod")
    grants = mlflow_client.call(home, "GET", "3.0/mlflow/roles/permissions/list", role_id=role["id"])[
        "role_permissions"
    ]
    mlflow_client.call(
        home,
        "PATCH",
        "3.0/mlflow/roles/permissions/update",
        role_permission_id=grants[0]["id"],
        permission="EDIT",
    )
    stack = provisioned.usecase(manifest, "churn", "prod")
    assert provisioned.up(stack) == {"update": 1}
    ana = Caller(provisioned, "prod", "ana")
    assert ana.run_in(ana.experiment("prod/churn")).status_code == 403
