"""Three environments of the small use case on this machine: SQLite registries, real launchers and services."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aifactory_runtime.pipeline.reproduction import provenance
from aifactory_runtime.release import activation
from aifactory_runtime.release.side import open_side
from aifactory_runtime.serving.document import Served, ServingFolder
from tests.fixtures import mlflow_database, usecase_repo, warm_process
from tests.unit.runtime.serving_parts import admit

LAUNCHER = Path(__file__).parents[3] / "infra" / "services" / "launcher.py"
ROW = {"age": 30, "income": 1000.0, "member": True, "region": "east"}
TOKEN = "token-of-the-consumer"
APPROVER = "kim.meyer"
NONSENSE = """
import pathlib, socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            self.wfile.write(b'{"outputs":[{"prediction":"perhaps"}]}' + bytes([10]))
pathlib.Path(sys.argv[1]).unlink(missing_ok=True)
server = socketserver.ThreadingUnixStreamServer(sys.argv[1], Handler)
print("listens", flush=True)
server.serve_forever()
"""
"""What listens in a challenger's place, at the socket it is given, and answers what no model says."""


class Environments:
    """A repo, what `factory up` would have written for it, and the services."""

    def __init__(self, folder: Path, *, template: Path = usecase_repo.TEMPLATE, **asked: Any) -> None:
        """`asked` goes into every environment's contract, such as `scoring="batch"`; the repo is made of `template`."""
        self.asked = asked
        self.home = folder / "home"
        self.repo = usecase_repo.make_repo(folder / "repo", template=template)
        self.ports: dict[str, int] = {}
        self.launchers: dict[str, subprocess.Popen[bytes]] = {}
        environments = self.home / "snapshots" / "envs"
        environments.mkdir(parents=True)
        warm_process.SHARED.interpreter(environments / provenance.lock_sha256(self.repo))
        for name in ("dev", "staging", "prod"):
            self.write(name, self.contract(name))

    def contract(self, name: str) -> dict[str, Any]:
        place = self.home / name / "demo-case"
        place.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.ports[name] = free.getsockname()[1]
        mlflow_database.put(place / "mlflow.db")
        database = f"sqlite:///{place / 'mlflow.db'}"
        folders = ("data", "artifact", "capture", "audit", "events", "logs", "inbox", "triggers")
        values: dict[str, Any] = {f"{key}_uri": str(place / key) for key in folders}
        values |= {"release_uri": str(place / "serving"), "snapshot_uri": str(self.home / "snapshots")}
        values |= {"use_case": "demo-case", "environment": name, "identity": f"{APPROVER}.demo-case.{name}"}
        values |= {"tracking_uri": database, "registry_uri": database, "data_source": "data/customers.csv"}
        values |= {"experiment": f"{name}/demo-case", "model_name": f"demo-case.{name}"}
        values |= {"endpoint_url": f"http://127.0.0.1:{self.ports[name]}"}
        if self.asked.get("scoring") == "batch":
            values["endpoint_url"] = None
        elif name != "dev":
            token = place / "consumer.json"
            token.write_text(json.dumps({"token": TOKEN}))
            admit(place / "callers", TOKEN)
            values |= {"endpoint_token_file": str(token), "endpoint_callers_uri": str(place / "callers")}
        if name == "prod":
            values |= {"approval": "required", "approvers": [APPROVER]}
        return values | self.asked

    def write(self, name: str, contract: dict[str, Any]) -> None:
        path = self.repo / ".factory" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(contract))

    def start(self, *names: str, launcher: Path = LAUNCHER, workers: int = 1) -> None:
        for name in names:
            contract = self.repo / ".factory" / f"{name}.json"
            serving = json.loads(contract.read_text())["release_uri"]
            command = [
                sys.executable,
                "-I",
                "-S",
                str(launcher),
                "--port",
                str(self.ports[name]),
                "--package",
                "demo_case",
                *(["--workers", str(workers)] if workers > 1 else []),
            ]
            self.launchers[name] = subprocess.Popen(
                [*command, "--serving", serving, "--environment-file", str(contract)], stderr=subprocess.DEVNULL
            )

    def stop(self) -> None:
        for launcher in self.launchers.values():
            launcher.terminate()
        for launcher in self.launchers.values():
            launcher.wait(20)

    def run(
        self, *arguments: str, environment: str | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        chosen = ({"AIFACTORY_ENV": environment} if environment else {}) | variables
        return warm_process.SHARED.run(self.repo, usecase_repo.environment(chosen), usecase_repo.PACKAGE, *arguments)

    def train(self) -> None:
        done = self.run("run", environment="dev")
        assert done.returncode == 0, done.stderr

    def train_what_is_not_committed(self) -> None:
        """A model of files that are changed for its training only."""
        features = self.repo / "src" / "demo_case" / "features.py"
        before = features.read_text()
        features.write_text(before + "# changed\n")
        self.train()
        features.write_text(before)

    def release(self, target: str, *more: str) -> None:
        done = self.run("release", "--to", target, *more)
        assert done.returncode == 0, done.stderr

    def release_again(self) -> bool:
        """Release what is released in staging and prod; whether prod serves something else now."""
        before = self.document("prod")
        self.release("staging")
        self.release("prod")
        return self.document("prod") != before

    def approve(self) -> None:
        done = self.run("approve", "--env", "prod", "--as", APPROVER)
        assert done.returncode == 0, done.stderr

    def predict(self, name: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=10)
        try:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            connection.request("POST", "/predict", json.dumps({"rows": [ROW]}), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait(self, name: str, version: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        seen: Any = None
        while time.monotonic() < until:
            try:
                seen = self.predict(name)
            except OSError as error:
                seen = error
            else:
                if seen[1].get("model_version") == version:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{name} never served version {version}: {seen}")

    def worker(self, name: str) -> int:
        """The one worker, once a worker that it replaced is gone."""
        return self.workers(name, 1)[0]

    def workers(self, name: str, count: int) -> list[int]:
        """The workers, once there are so many of them, and each reports that it is ready."""
        pid = self.launchers[name].pid
        until = time.monotonic() + 120
        while True:
            workers = list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
            ready = {status.pid for status in ServingFolder(self.serving(name)).statuses() if status.ready}
            if len(workers) == count and set(workers) <= ready:
                return workers
            assert time.monotonic() < until, f"{name} has the workers {workers}, ready are {ready}"
            time.sleep(0.05)

    def serving(self, name: str) -> Path:
        return self.home / name / "demo-case" / "serving"

    def document(self, name: str) -> str:
        """What is to be served there."""
        return (self.serving(name) / "serving.json").read_text()

    def served(self, name: str, number: int) -> Served:
        """A version as serving.json names it."""
        side = open_side(self.repo, name)
        return activation.served(side, side.registry.version(number))

    def change_settings(self, strength: float) -> str:
        """Another model from another commit."""
        base = self.repo / "conf" / "base.yaml"
        lines = base.read_text().splitlines()
        base.write_text("\n".join(f"    C: {strength}" if line.strip().startswith("C:") else line for line in lines))
        return usecase_repo.commit(self.repo, f"Try {strength}")


@contextmanager
def two_versions(folder: Path, strength: float, **prod: Any) -> Iterator[Environments]:
    """Staging serves version 2, prod version 1; what is released to prod next goes by `prod`, which its contract says.

    `strength` is the setting that version 2 is trained with.
    """
    made = Environments(folder)
    contract = json.loads((made.repo / ".factory" / "prod.json").read_text(encoding="utf-8"))
    made.write("prod", contract | prod)
    made.start("staging", "prod")
    try:
        made.train()
        made.release("staging")
        made.release("prod")
        made.change_settings(strength)
        made.train()
        made.release("staging")
        yield made
    finally:
        made.stop()


def pss_mb(pid: int) -> float:
    """Proportional memory of a process in megabytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no Pss of {pid} ({os.getpid()})")
