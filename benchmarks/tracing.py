"""`trace` of one prediction among ten million with labels, as it is typed: a whole process, a server with logins."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile, rmtree

import numpy as np
import pyarrow as pa
from measure import CHECKOUT, PYTHON, Row, cost, limit_row

from aifactory.provision import servers
from aifactory_runtime.config import project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import table_writing, tables

_DAYS, _A_DAY, _CHUNK, _MILLISECONDS = 100, 100_000, 10_000, 86_400_000
_ONE_IN = 10
"""So many predictions have one label, a day later."""
_TIMES, _START_SECONDS = 5, 120.0
_PACKAGE = "demo_case"


def measure(work: Path) -> list[Row]:
    """One row: seconds of the whole command for a prediction in the middle of the table, the median of five."""
    folder = work / "tracing"
    rmtree(folder, ignore_errors=True)
    repo, variables = _trained(folder)
    embedded = project.load(repo, "embedded").environment.contract
    _fill(Path(embedded.data_uri), _digest(repo))
    with _server(folder / "server", Path(embedded.tracking_uri.removeprefix("sqlite:///"))) as (address, login):
        _provision(repo, embedded, address, login)
        command = [str(PYTHON), "-m", _PACKAGE, "trace", _ids(_DAYS // 2)[_A_DAY // 2], "--env", "prod", "--json"]
        said = subprocess.run(command, cwd=repo, env=variables, check=True, capture_output=True)
        if [label["state"] for label in json.loads(said.stdout)["labels"]] != ["joined"]:
            raise RuntimeError(f"the prediction should have one label: {said.stdout.decode()}")
        took = [cost(command, repo, variables) for _ in range(_TIMES)]
    used = sum(path.stat().st_size for path in Path(embedded.data_uri).rglob("*.parquet")) / 1e9
    seconds = statistics.median(one.seconds for one in took)
    rows = tables.count(Path(embedded.data_uri), tables.CAPTURED)
    detail = f"{_DAYS} days, {_DAYS * _A_DAY // _ONE_IN:,} labels, {used:.1f} GB; {took[0].memory:.0f} MiB"
    rmtree(folder)
    return [limit_row(f"trace, {rows:,} predictions", 2, "s", seconds, detail)]


def _trained(folder: Path) -> tuple[Path, dict[str, str]]:
    """A small repo with one registered version, nothing provisioned, and what its commands are run with."""
    sys.path.insert(0, str(CHECKOUT))
    from tests.fixtures import usecase_repo

    repo = usecase_repo.make_repo(folder / "repo")
    variables = {"PYTHONPATH": f"{repo / 'src'}:{CHECKOUT / 'runtime' / 'src'}", "PATH": "/usr/bin:/bin"}
    cost([str(PYTHON), "-m", _PACKAGE, "run"], repo, variables)
    return repo, variables


def _digest(repo: Path) -> str:
    """Digest of the model that is registered, from its line of the audit log."""
    line = (repo / ".factory" / "embedded" / "audit" / "audit.jsonl").read_text(encoding="utf-8").splitlines()[0]
    return str(json.loads(line)["facts"]["aifactory.model_sha256"])


@contextmanager
def _server(folder: Path, database: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Address and login of the platform's tracking server over a copy of a repo's registry."""
    folder.mkdir(parents=True)
    copyfile(database, folder / "mlflow.db")
    login, port = {"identity": "release", "login": "admin", "password": "x" * 16}, _free_port()
    (folder / "admin.json").write_text(json.dumps(login))
    (folder / "key.json").write_text(json.dumps({"token": "k" * 16}))
    command = [str(servers.ensure(print)), str(CHECKOUT / "infra" / "services" / "tracking.py")]
    command += ["--folder", str(folder), "--admin", str(folder / "admin.json")]
    command += ["--session-key", str(folder / "key.json"), "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(f"{address}/health", folder / "log")
            yield address, login
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(address: str, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the tracking server does not start: {log.read_text()[-2000:]}")


def _provision(repo: Path, embedded: EnvironmentContract, address: str, login: dict[str, str]) -> None:
    """Prod with the tables and models of the embedded environment, at the server."""
    file = repo / ".factory" / "credentials" / "release.json"
    file.parent.mkdir()
    file.write_text(json.dumps(login))
    file.chmod(0o600)
    there = {"tracking_uri": address, "registry_uri": address, "credentials_file": str(file)}
    contract = embedded.model_copy(update={"environment": "prod", "target": "local", **there})
    (repo / ".factory" / "prod.json").write_text(contract.model_dump_json())


def _fill(data: Path, digest: str) -> None:
    """Append day after day, as the daily `tidy` does."""
    for day in range(_DAYS):
        for name, made in ((tables.CAPTURED, _predictions(day, digest)), (tables.LABELS, _labels(day))):
            upto = (name, (day + 1) * made.num_rows)
            table_writing.append_stream(data, name, upto, by="day", chunks=lambda made=made: _chunks(made))  # type: ignore[misc]


def _chunks(made: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [made.slice(begins, _CHUNK) for begins in range(0, made.num_rows, _CHUNK)]


def _start(day: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def _ids(day: int) -> list[str]:
    """UUIDs of version 7, evenly over a day, with digits that do not compress."""
    first = int(_start(day).timestamp() * 1000)
    random = np.random.default_rng(day + 1).integers(0, 2**60, _A_DAY).tolist()
    made = []
    for number, drawn in enumerate(random):
        begins, ends = f"{first + number * _MILLISECONDS // _A_DAY:012x}", f"{drawn:015x}"
        made.append(f"{begins[:8]}-{begins[8:]}-7{ends[:3]}-8{ends[:3]}-{ends[3:]}")
    return made


def _predictions(day: int, digest: str) -> pa.RecordBatch:
    """A day of predictions of the small use case."""
    numbers = np.arange(_A_DAY)
    start = np.datetime64(_start(day).replace(tzinfo=None), "ms")
    moments = start + (numbers * _MILLISECONDS // _A_DAY).astype("timedelta64[ms]")
    incomes = np.random.default_rng(day).integers(0, 9_000_000, _A_DAY) / 100
    columns = {
        "prediction_id": _ids(day),
        "time": [f"{moment}+00:00" for moment in np.datetime_as_string(moments, unit="ms").tolist()],
        "sequence": day * _A_DAY + numbers + 1,
        **_same(_A_DAY, model_version="1", model_sha256=digest, commit="c" * 40, role="champion"),
        "inputs": [f'{{"age":30,"income":{income},"member":true,"region":"east"}}' for income in incomes.tolist()],
        "output": [f'{{"prediction":0,"probabilities":[{income / 90_000:.6f},0.1]}}' for income in incomes.tolist()],
        **_same(_A_DAY, redacted="", trial="", day=f"{_start(day):%Y-%m-%d}"),
    }
    return pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in columns.items()})


def _labels(day: int) -> pa.RecordBatch:
    """Labels of the day before, in an order of their own: what came true is not told as it was asked."""
    numbers = np.arange(0, _A_DAY, _ONE_IN) * 7 % _A_DAY
    rows, ids = len(numbers), _ids(day - 1)
    columns = {
        "label_id": [f"{day}-{number}" for number in numbers.tolist()],
        "time": [f"{_start(day):%Y-%m-%d}T12:00:00.000+00:00"] * rows,
        "sequence": day * rows + np.arange(rows) + 1,
        **_same(rows, by="app.demo-case.prod"),
        "prediction_id": [ids[number] for number in numbers.tolist()],
        **_same(rows, label="1", day=f"{_start(day):%Y-%m-%d}"),
    }
    made = {name: pa.array(values) for name, values in columns.items()}
    absent = {name: pa.nulls(rows, pa.string()) for name in ("key", "at", "replaces")}
    return pa.RecordBatch.from_pydict({**made, **absent, "kpi": pa.nulls(rows, pa.float64())})


def _same(rows: int, **values: str) -> dict[str, list[str]]:
    return {name: [value] * rows for name, value in values.items()}
