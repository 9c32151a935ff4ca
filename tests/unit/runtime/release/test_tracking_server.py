"""Release, service and approver against a real tracking server with logins: who may do what, which bytes move."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow.pyfunc
import numpy as np
import pytest
import yaml
from mlflow.exceptions import MlflowException

from aifactory.provision import servers
from aifactory_runtime.config.credentials import Credentials
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import looking
from aifactory_runtime.registry.mlflow import MlflowRegistry, connect
from aifactory_runtime.registry.model_folder import digest
from aifactory_runtime.registry.port import CHAMPION, Head
from aifactory_runtime.release.approvals import Subject, given
from aifactory_runtime.serving.fetch import Source, Unreachable
from tests.unit.runtime.registry.test_boosters import TWO, write
from tests.unit.runtime.registry.test_signature import FLAVOURS, TABLE, model
from tests.unit.runtime.serving_parts import make_model

pytestmark = pytest.mark.slow

ADMIN = ("admin", "password-of-the-admin")
PASSWORD = "password-of-anybody"
SERVER = Path(__file__).parents[4] / "infra" / "services" / "tracking.py"


class Server:
    """A tracking server with two environments of one use case."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}"
        admin, key, data = folder / "admin.json", folder / "key.json", folder / "data"
        data.mkdir()
        admin.write_text(json.dumps({"login": ADMIN[0], "password": ADMIN[1]}))
        key.write_text(json.dumps({"token": "key-that-signs-sessions"}))
        python = servers.ensure(lambda _: None)
        command = [str(python), str(SERVER), "--folder", str(data), "--admin", str(admin), "--session-key", str(key)]
        self.process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def provision(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.uri}/health").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
        for environment in ("dev", "prod"):
            experiment = self._call("2.0/mlflow/experiments/create", name=f"{environment}/churn")["experiment_id"]
            self._call("2.0/mlflow/registered-models/create", name=f"churn.{environment}")
            for who, permission in (("release", "EDIT"), ("service", "READ")):
                login = self._user(who, environment)
                self._grant(login, "experiment", experiment, permission)
                self._grant(login, "registered_model", f"churn.{environment}", permission)
        for person in ("kim", "ana"):
            own = self._call("2.0/mlflow/experiments/create", name=f"prod/churn/approvals/{person}")["experiment_id"]
            self._grant(self._user(person, "prod"), "experiment", own, "EDIT")
            self._grant("release.churn.prod", "experiment", own, "READ")

    def contract(self, environment: str) -> EnvironmentContract:
        places = ("data", "artifact", "capture", "release", "snapshot", "audit", "events", "logs")
        return EnvironmentContract(
            use_case="churn",
            environment=environment,  # type: ignore[arg-type]
            identity="release",
            tracking_uri=self.uri,
            registry_uri=self.uri,
            experiment=f"{environment}/churn",
            model_name=f"churn.{environment}",
            data_source="none",
            approvers=("kim",),
            **{f"{place}_uri": "/nowhere" for place in places},  # type: ignore[arg-type]
        )

    def login(self, who: str, environment: str, password: str = PASSWORD) -> Credentials:
        return Credentials(who, f"{who}.churn.{environment}", password)

    def registry(self, who: str, environment: str) -> MlflowRegistry:
        return connect(self.contract(environment), self.login(who, environment))

    def _user(self, who: str, environment: str) -> str:
        login = f"{who}.churn.{environment}"
        self._call("2.0/mlflow/users/create", username=login, password=PASSWORD)
        return login

    def _grant(self, login: str, kind: str, identity: str, permission: str) -> None:
        fields = {"username": login, "resource_type": kind, "resource_id": identity, "permission": permission}
        self._call("3.0/mlflow/users/permissions/grant", **fields)

    def _call(self, path: str, **fields: Any) -> Any:
        answer = httpx.post(f"{self.uri}/api/{path}", json=fields, auth=ADMIN, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content.strip() else {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    try:
        made.provision()
        yield made
    finally:
        made.process.terminate()
        made.process.wait(30)


@pytest.fixture(scope="module")
def address(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A model registered in dev and copied to prod as champion: where it lies in prod, and its digest."""
    folder = tmp_path_factory.mktemp("model")
    made = make_model(folder / "model")
    dev, prod = server.registry("release", "dev"), server.registry("release", "prod")
    version = dev.register(folder / "model", {"aifactory.commit": "c"})
    dev.download(version, folder / "copy")
    copied = prod.register(folder / "copy", dict(version.tags))
    prod.set_alias(CHAMPION, copied.number)
    return prod.artifact_address(copied), made.sha256


def test_given_prods_champion_when_the_service_fetches_it_then_the_bytes_are_those_of_dev(
    server: Server, address: tuple[str, str], tmp_path: Path
) -> None:
    Source(server.uri, lambda: server.login("service", "prod")).fetch(address[0], tmp_path)

    assert digest(tmp_path) == address[1]


@pytest.mark.parametrize(
    "login", [("service", "dev", PASSWORD), ("service", "prod", "wrong-password")], ids=["of dev", "wrong password"]
)
def test_given_another_login_when_prods_model_is_fetched_then_refused_in_a_line(
    server: Server, address: tuple[str, str], tmp_path: Path, login: tuple[str, str, str]
) -> None:
    with pytest.raises(Unreachable, match="login"):
        Source(server.uri, lambda: server.login(*login)).fetch(address[0], tmp_path)


def test_fault_29_given_no_files_at_the_address_when_fetched_then_said(
    server: Server, address: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(Unreachable, match="holds no model"):
        Source(server.uri, lambda: server.login("service", "prod")).fetch(f"{address[0]}-gone", tmp_path)


def test_fault_29_given_no_server_when_fetched_then_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Source("http://127.0.0.1:1", lambda: None).fetch("mlflow-artifacts:/1/model", tmp_path)


@pytest.mark.usefixtures("address")
def test_given_one_look_when_it_goes_without_mlflows_client_then_it_sees_the_same(server: Server) -> None:
    contract, client = server.contract("prod"), server.registry("release", "prod")
    look = looking.at(contract, server.login("release", "prod"))
    assert look.version(1) == client.version(1)
    with pytest.raises(FactoryError, match="not found"):
        look.version(99)
    assert look.newest(5) == client.versions() and look.newest(1) == client.versions()[-1:]
    assert look.by_alias(CHAMPION) == client.by_alias(CHAMPION) and look.by_alias("nobody") is None
    assert look.anchored() is client.anchored() is None

    anchors = server._call("2.0/mlflow/experiments/create", name=names.ANCHOR)["experiment_id"]
    with pytest.raises(FactoryError, match="refuses this login"):
        look.anchored()
    server._grant("release.churn.prod", "experiment", anchors, "READ")
    admin = connect(contract, Credentials("admin", *ADMIN))
    for log, number in (("churn.prod", 1), ("churn.dev", 2), ("churn.prod", 3)):
        run = admin.begin_run(names.ANCHOR, log, {})
        admin.log(run, {"log": log, f"line-{number:010}": f"{number:064x}"})
    assert look.anchored() == client.anchored() == [Head(number, f"{number:064x}") for number in (1, 3)]


def test_given_an_approval_when_looked_for_then_it_covers_that_model_and_report_only(server: Server) -> None:
    release, contract = server.registry("release", "prod"), server.contract("prod")
    subject = Subject("a" * 64, "b" * 64)
    before = given(contract, release, subject)
    server.registry("kim", "prod").record_approval("kim", subject.model_sha256, subject.report_sha256)

    assert before == ()
    assert given(contract, release, subject) == ("kim",)
    assert given(contract, release, Subject("a" * 64, "c" * 64)) == ()
    assert given(contract, release, Subject("c" * 64, "b" * 64)) == ()


@pytest.mark.parametrize("who", ["release", "ana", "service"])
def test_given_somebody_else_when_writing_an_approval_in_kims_name_then_refused(server: Server, who: str) -> None:
    with pytest.raises(FactoryError):
        server.registry(who, "prod").record_approval("kim", "d" * 64, "e" * 64)

    assert given(server.contract("prod"), server.registry("release", "prod"), Subject("d" * 64, "e" * 64)) == ()


def test_given_a_person_who_is_no_approver_when_they_approve_for_themselves_then_it_does_not_count(
    server: Server,
) -> None:
    server.registry("ana", "prod").record_approval("ana", "f" * 64, "e" * 64)

    assert given(server.contract("prod"), server.registry("release", "prod"), Subject("f" * 64, "e" * 64)) == ()


@pytest.mark.filterwarnings("ignore:X has feature names:UserWarning")
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_given_a_registered_model_when_mlflow_loads_it_by_name_then_columns_are_ordered_or_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    write(tmp_path / "model", model(flavour, TWO), TWO)
    version = server.registry("release", "dev").register(tmp_path / "model", {})
    reader = server.login("service", "dev")
    for key, value in {"URI": server.uri, "USERNAME": reader.login, "PASSWORD": reader.password}.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{key}", value)

    loaded = mlflow.pyfunc.load_model(f"models:/churn.dev/{version.number}")

    assert np.array_equal(loaded.predict(TABLE[["c", "a", "b"]]), loaded.predict(TABLE))
    with pytest.raises(MlflowException, match=r"missing inputs \['b'\]"):
        loaded.predict(TABLE[["a", "c"]])
    assert [column["name"] for column in _shown(server, reader, version.number)] == ["a", "b", "c"]


def _shown(server: Server, reader: Credentials, version: int) -> list[dict[str, Any]]:
    """The columns that MLflow's page of a version shows: it reads them from here."""
    where = {"name": "churn.dev", "version": str(version), "path": "MLmodel"}
    login = (reader.login, reader.password)
    answer = httpx.get(f"{server.uri}/model-versions/get-artifact", params=where, auth=login, timeout=30)
    columns: list[dict[str, Any]] = json.loads(yaml.safe_load(answer.text)["signature"]["inputs"])
    return columns
