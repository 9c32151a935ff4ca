"""A use case with a table of many rows, and a cluster of workers with a limit of memory, for `make bench-scale`."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
from measure import CHECKOUT, PYTHON, Cost, cost
from pyarrow import parquet

sys.path.insert(0, str(CHECKOUT))

from pipeline import _FEATURES, _SCHEMA, COLUMNS

from aifactory_runtime.pipeline.reproduction import provenance
from tests.fixtures.usecase_repo import RUNTIME, commit, make_repo

_AT_A_TIME = 250_000
_IN_A_FILE = 20
_WAIT_SECONDS = 60
_MODEL = '''"""What learns."""

from xgboost import XGBClassifier


def make_model(rounds: int = 60):
    """Boosted trees."""
    return XGBClassifier(n_estimators=rounds, max_depth=6, learning_rate=0.2)
'''
_CONF = """data:
  max_duplicate_share: 0.05
train:
  seed: 7
  engine: {engine}
  learning_curve: false
gate:
  metric: roc_auc
"""


@dataclass(frozen=True)
class Case:
    """A repo, its table in data/rows, and an environment of its own."""

    repo: Path
    address: str | None = None

    def run(self, *arguments: str, limit: int | None = None) -> Cost:
        """What `python -m demo_case ...` takes, with at most `limit` bytes of its own; RuntimeError when it fails."""
        held = [] if limit is None else ["prlimit", f"--data={limit}", "--"]
        return cost([*held, str(PYTHON), "-m", "demo_case", *arguments], self.repo, self._environment())

    def release(self) -> None:
        """Make the registered model the champion; what runs here is taken for the environment of its lock."""
        environments = self.repo / ".factory" / "dev" / "snapshot" / "envs"
        environments.mkdir(parents=True, exist_ok=True)
        (environments / provenance.lock_sha256(self.repo)).symlink_to(sys.prefix)
        self.run("release", "--env", "dev")

    def metric(self, name: str) -> float:
        """A figure of the newest run."""
        runs = (self.repo / ".factory" / "dev").glob("artifact/*/handoff.json")
        newest = max(runs, key=lambda path: path.stat().st_mtime)
        return float(json.loads(newest.read_text(encoding="utf-8"))["metrics"][name])

    def forget(self, *tables: str) -> None:
        """Take tables away, or all that was made without any."""
        place = self.repo / ".factory" / "dev"
        for name in tables or (".",):
            shutil.rmtree(place / "data" / name if tables else place, ignore_errors=True)

    def on(self, address: str | None) -> Case:
        """The same case with a cluster, or without one."""
        return Case(self.repo, address)

    def _environment(self) -> Mapping[str, str]:
        path = self.repo / ".factory" / f"dev{'' if self.address is None else '-cluster'}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(self._contract()), encoding="utf-8")
        return {"PYTHONPATH": f"src:{RUNTIME}", "AIFACTORY_ENV_FILE": str(path)}

    def _contract(self) -> dict[str, object]:
        place = self.repo / ".factory" / "dev"
        place.mkdir(parents=True, exist_ok=True)
        folders = ("data", "artifact", "capture", "audit", "events", "logs", "release", "snapshot")
        database = f"sqlite:///{place / 'mlflow.db'}"
        return {
            **{f"{name}_uri": str(place / name) for name in folders},
            **{"use_case": "demo-case", "environment": "dev", "identity": "ana", "experiment": "dev/demo-case"},
            **{"tracking_uri": database, "registry_uri": database, "model_name": "demo-case.dev"},
            "data_source": str(self.repo / "data" / "rows"),
            "scoring": "batch",
            **({} if self.address is None else {"cluster_uri": self.address}),
        }


def make(folder: Path, rows: int, engine: str) -> Case:
    """A repo at `folder` whose table, a folder of Parquet files, has so many rows; everything committed."""
    shutil.rmtree(folder, ignore_errors=True)
    repo = make_repo(folder)
    write_rows(repo / "data" / "rows", rows)
    package = repo / "src" / "demo_case"
    for name, text in {"schema": _SCHEMA, "features": _FEATURES, "model": _MODEL}.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    (repo / "conf" / "base.yaml").write_text(_CONF.format(engine=engine), encoding="utf-8")
    (repo / ".gitignore").write_text("data/\n.factory/\n__pycache__/\n", encoding="utf-8")
    commit(repo, "A made-up table")
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", str(RUNTIME), str(package)], check=True)
    return Case(repo)


def write_rows(folder: Path, rows: int, *, seed: int = 3, at_a_time: int = _AT_A_TIME) -> None:
    """Made-up numbers, the label decided by the first five columns and chance; some values missing."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    schema = pyarrow.schema(
        [*((f"x{column:02d}", pyarrow.float64()) for column in range(COLUMNS)), ("y", pyarrow.int64())]
    )
    for first in range(0, rows, at_a_time * _IN_A_FILE):
        upto = min(rows, first + at_a_time * _IN_A_FILE)
        with parquet.ParquetWriter(folder / f"rows-{first:012d}.parquet", schema) as writer:
            for start in range(first, upto, at_a_time):
                writer.write_table(_made_up(draw, min(at_a_time, upto - start)).cast(schema))


def _made_up(draw: np.random.Generator, rows: int) -> pyarrow.Table:
    values = draw.normal(size=(rows, COLUMNS)).round(6)
    labels = (values[:, :5].sum(axis=1) + draw.normal(size=rows) > 0).astype(int)
    values[::97, 5] = np.nan
    made = {f"x{column:02d}": pyarrow.array(values[:, column], from_pandas=True) for column in range(COLUMNS)}
    return pyarrow.table({**made, "y": pyarrow.array(labels)})


class Workers:
    """The processes of a cluster: how much each of them has taken at most."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self._processes = processes

    def peak(self) -> float:
        """MiB, resident, of the worker that has taken most since it began."""
        return max(_peak(pid) for process in self._processes for pid in (process.pid, *_children(process.pid)))


@contextmanager
def cluster(case: Case, workers: int, memory: int) -> Iterator[tuple[str, Workers]]:
    """A scheduler and workers of a case's own commands on loopback, each worker with so many bytes; their address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = [str(PYTHON), "-m", "demo_case"]
    environment = {**os.environ, "PYTHONPATH": f"src:{RUNTIME}"}
    log = (case.repo / ".factory" / "cluster.log").open("wb") if _made(case.repo / ".factory") else None
    started = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*command, *arguments], cwd=case.repo, env=environment, stdout=log, stderr=log)
        started.append(process)
        return process

    try:
        start("scheduler", "--port", address.rpartition(":")[2])
        _listens(address)
        limit = f"{memory}B"
        made = [start("worker", "--scheduler", address, "--memory-limit", limit) for _ in range(workers)]
        yield address, Workers(made)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(_WAIT_SECONDS)


def _made(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    return True


def _listens(address: str) -> None:
    port = int(address.rpartition(":")[2])
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the scheduler at {address} does not answer")


def _children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [one for child in map(int, found) for one in (child, *_children(child))]


def _peak(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0
