"""Requests a second of a service, one row each, against `mlflow models serve`; the same in a live test; what is kept.

Ours checks each value, answers with ids and records before it answers; both have one worker and the same estimator.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import CHECKOUT, PYTHON, Row, seconds
from pipeline import COLUMNS, case_command, make_case
from pyarrow import csv

from aifactory_runtime.capture import compaction
from tests.fixtures import load
from tests.fixtures.load import Load
from tests.fixtures.scoring_service import served
from tests.fixtures.usecase_repo import RUNTIME

ROWS, SECONDS, ROUNDS, CALLERS = 20_000, 4.0, 3, 8
FORMS = {"dataframe_records": 10.0, "dataframe_split": 4.0, "inputs": 2.0}
"""Form of a request to how many times as many as the comparator."""
KEPT, AT_ONCE, DISK = 20_000, 100, 0.2
BARE = CHECKOUT / "benchmarks" / "bare_serving.py"
_READY_SECONDS = 120.0


def measure(work: Path) -> list[Row]:
    """A row for each form, and one for what the predictions take on disk."""
    folder = work / "serving"
    repo = make_case(folder / "repo", ROWS)
    case_command(repo, "run")
    table = repo / "data" / "customers.csv"
    model = next((repo / ".factory").rglob("model.skops"))
    shutil.rmtree(folder / "mlflow", ignore_errors=True)
    seconds([str(PYTHON), str(BARE), str(table), str(model), str(folder / "mlflow")], folder)
    values = csv.read_csv(table).slice(0, KEPT).drop_columns("y").to_pylist()
    variables = {**os.environ, "PYTHONPATH": f"src:{RUNTIME}"}
    command = [str(PYTHON), "-m", "demo_case", "serve", "--port", "0"]
    with (
        served(command, repo, variables, ready_within=_READY_SECONDS, timeout=_READY_SECONDS) as client,
        _comparator(folder / "mlflow") as theirs,
    ):
        ours = client.base_url.port or 80
        found = [_against(form, least, values[0], ours, theirs) for form, least in FORMS.items()]
        return [*found, _kept(repo, values, ours)]


@contextmanager
def _comparator(model: Path) -> Iterator[int]:
    """The port of MLflow's server with one worker, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = ["models", "serve", "-m", str(model), "-h", "127.0.0.1", "-p", str(port), "--env-manager", "local"]
    variables = {**os.environ, "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"}
    with (model.parent / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "mlflow", *words], env=variables, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.monotonic() + _READY_SECONDS
            while not _answers(port):
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError(f"mlflow models serve does not answer: {log.name}")
                time.sleep(0.2)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _against(form: str, least: float, row: dict[str, Any], ours: int, theirs: int) -> Row:
    request = load.post("/invocations", body_of(form, row))
    rounds = [(per_second(ours, lambda _: request), per_second(theirs, lambda _: request)) for _ in range(ROUNDS)]
    one, other = (statistics.median(pair[place] for pair in rounds) for place in (0, 1))
    what = f"requests a second, one row of {COLUMNS} columns as {form}, recorded"
    ratio = one / other
    detail = f"{one:,.0f} against {other:,.0f} a second, {CALLERS} callers"
    return Row(what, "`mlflow models serve`", f"{least:g}x or more", f"{ratio:.1f}x", ratio >= least, detail)


def body_of(form: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row in one of MLflow's forms."""
    if form == "dataframe_split":
        return {form: {"columns": list(row), "data": [list(row.values())]}}
    return {form: [row]} if form == "dataframe_records" else {form: {name: [value] for name, value in row.items()}}


def per_second(port: int, request: Callable[[int], bytes], last: float = SECONDS) -> float:
    """Answers a second to as many requests as go; RuntimeError when one of them failed."""
    with Load(port, request, connections=CALLERS) as asking:
        time.sleep(last)
    if failed := asking.failed():
        raise RuntimeError("; ".join(load.told(failed)))
    return asking.per_second


def _kept(repo: Path, values: list[dict[str, Any]], port: int) -> Row:
    """Predictions of rows of the table, as they are written and once they are compacted."""
    place = repo / ".factory" / "embedded"
    caller = load.Caller(port)
    for start in range(0, KEPT, AT_ONCE):
        rows = values[start : start + AT_ONCE]
        caller.ask(load.post("/predict", {"rows": rows}))
    caller.close()
    lines = sum(path.stat().st_size for path in (place / "capture").glob("predictions-*.jsonl"))
    moved = compaction.compact(place / "capture", place / "tables").rows
    table = sum(path.stat().st_size for path in (place / "tables" / "captured").rglob("*") if path.is_file())
    ratio = table / lines
    detail = f"{lines / moved:.0f} bytes a line, {table / moved:.0f} in the table, {moved:,} predictions"
    what = f"disk of predictions of {COLUMNS} columns, compacted"
    return Row(what, "JSON lines", f"{DISK:g}x or less", f"{ratio:.2f}x", ratio <= DISK, detail)


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
