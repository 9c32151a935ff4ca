"""Counts of the service: bounded labels, one sum over workers, nothing lost when one is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.serving.metrics import FOLDER, SLOT, Metrics

WORKER = """
import os, signal
from aifactory_runtime.serving.metrics import Metrics
made = Metrics()
made.answered("/predict", 200, 0.003)
made.scored(5)
made.serves("7")
os.kill(os.getpid(), signal.SIGKILL) if {killed} else None
print(made.text().decode())
"""


def value(text: str, name: str) -> float:
    """The figure of a line that begins with a name and its labels."""
    return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[0])


def worker(folder: Path, slot: int, *, killed: bool = False) -> str:
    """A process that counts one request of five rows in a slot; what it shows in the end."""
    variables = os.environ | {FOLDER: str(folder), SLOT: str(slot)}
    program = [sys.executable, "-c", WORKER.format(killed=killed)]
    done = subprocess.run(program, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (-signal.SIGKILL if killed else 0), done.stderr
    return done.stdout


def test_given_a_worker_of_its_own_when_it_counts_then_requests_times_and_rows_are_shown() -> None:
    made = Metrics({})
    made.answered("/predict", 200, 0.003)
    made.answered("/predict", 503, 0.2)
    made.scored(5)
    made.not_recorded()
    made.serves("3")
    text = made.text().decode()

    assert value(text, 'aifactory_requests_total{path="/predict",status="200"}') == 1
    assert value(text, 'aifactory_request_seconds_bucket{le="0.005",path="/predict"}') == 1
    assert value(text, 'aifactory_request_seconds_count{path="/predict"}') == 2
    assert value(text, "aifactory_rows_scored_total") == 5
    assert value(text, "aifactory_not_recorded_total") == 1
    assert value(text, "aifactory_model_version") == 3


@given(st.lists(st.text(), min_size=1))
def test_given_any_paths_when_counted_then_labels_do_not_grow(paths: list[str]) -> None:
    made = Metrics({})
    for path in paths:
        made.answered("/" + path + "?", 404, 0.1)
    assert len(re.findall("aifactory_requests_total{", made.text().decode())) == 1


@pytest.mark.parametrize(("version", "shown"), [("12", 12), (None, 0), ("latest", 0)])
def test_given_a_version_when_it_is_no_number_then_0_is_shown(version: str | None, shown: int) -> None:
    made = Metrics({})
    made.serves(version)
    assert value(made.text().decode(), "aifactory_model_version") == shown


@pytest.mark.heavy
def test_given_killed_workers_when_others_take_their_slots_then_no_count_is_lost_and_files_stay_few(
    tmp_path: Path,
) -> None:
    for slot in (0, 1, 0):
        worker(tmp_path, slot, killed=True)
    text = worker(tmp_path, 0)

    assert value(text, 'aifactory_requests_total{path="/predict",status="200"}') == 4
    assert value(text, "aifactory_rows_scored_total") == 20
    assert value(text, "aifactory_model_version") == 7
    assert {path.name.partition("_")[0] for path in tmp_path.iterdir()} == {"counter", "gauge", "histogram"}
    assert len(list(tmp_path.iterdir())) == 6
