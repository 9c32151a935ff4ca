"""MLflow's pages over what a repo recorded by itself, with nothing provisioned: a server on loopback, on a copy.

The copy keeps the repo's record as it is whatever is clicked; it is made anew each time the pages are opened.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aifactory.provision import servers
from aifactory.workshop import scratch
from aifactory_runtime.config.environment import embedded
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry.database import refuse_unfit

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 300.0
_PAUSE = 0.2
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")


@contextmanager
def served(repo: Path, manifest: Manifest, say: Callable[[str], None]) -> Iterator[str]:
    """The address of the repo's runs while their pages are served; FactoryError when there are none, or no server."""
    contract = embedded(repo, manifest)
    database = Path(str(contract["tracking_uri"]).removeprefix("sqlite:///"))
    python = servers.find()
    if not database.is_file():
        raise FactoryError(
            "this repo has no runs yet, and nothing is provisioned: make train, or factory up --platform"
        )
    refuse_unfit(database)
    if python is None:
        raise FactoryError(
            "MLflow's pages need the platform's servers: factory doctor --mend, then factory open mlflow"
        )
    with scratch("open") as folder:
        copy = folder / "mlflow.db"
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        port = _free_port()
        say("Starting MLflow's pages on this repo's own runs ...")
        with _server(python, copy, port) as process:
            _await(process, port)
            yield f"http://{_LOOPBACK}:{port}/#/experiments/{_experiment(copy, str(contract['experiment']))}/runs"


@contextmanager
def _server(python: Path, database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(python), "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}"]
    command += ["--host", _LOOPBACK, "--port", str(port), "--workers", "1", "--no-serve-artifacts"]
    variables = {key: os.environ[key] for key in _KEPT if key in os.environ} | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet = subprocess.DEVNULL
    # A group of its own: Ctrl-C ends it from here, in one line.
    process = subprocess.Popen(
        command, cwd=database.parent, env=variables, stdin=quiet, stdout=quiet, stderr=quiet, process_group=0
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{_LOOPBACK}:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_PAUSE)
    raise FactoryError("MLflow's pages did not start: factory doctor says whether the servers are whole")


def _experiment(database: Path, name: str) -> str:
    """Id of the experiment of that name; MLflow's default one when nothing was trained."""
    with closing(sqlite3.connect(database)) as records:
        found = records.execute("SELECT experiment_id FROM experiments WHERE name = ?", (name,)).fetchone()
    return str(found[0]) if found else "0"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((_LOOPBACK, 0))
        port: int = listening.getsockname()[1]
        return port
