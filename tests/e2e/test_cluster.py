"""A use case whose environments bring a Dask cluster: the whole path on two workers, with workers killed on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from aifactory_runtime.data import tables
from tests.e2e.spine import FACTORY, Outcome, Spine

pytestmark = pytest.mark.e2e

FILES, ROWS = 6, 400
ENDED_SECONDS = 30.0
COMPUTE = {"engine": "dask", "workers": 2, "memory_gb": 1.0, "threads": 1}
ON_CLUSTER = re.compile(r"on the cluster at tcp://127\.0\.0\.1:\d+: 2 workers")


def write_table(folder: Path) -> None:
    """A table in several files: a load that two of its three columns explain."""
    folder.mkdir()
    random = np.random.default_rng(14)
    for number in range(FILES):
        found = pd.DataFrame(random.normal(size=(ROWS, 3)), columns=["wind", "heat", "noise"])
        found["load"] = 3 * found["wind"] - 2 * found["heat"] + random.normal(scale=0.5, size=ROWS)
        found.to_parquet(folder / f"part-{number}.parquet", index=False)


@pytest.fixture(scope="module")
def meters(spine: Spine) -> Iterator[Spine]:
    """The use case, provisioned on the platform of the others and committed; taken away at the end."""
    made = replace(spine, use_case="meters")
    write_table(spine.folder / "loads")
    told = ("--data", "loads", "--target-column", "load", "--owner", "ana", "--scoring", "batch", "--allow-dirty")
    spine.must(spine.run(FACTORY, "new", made.use_case, *told, cwd=spine.folder))
    manifest = made.repo / "factory.yaml"
    wanted = yaml.safe_load(manifest.read_text())
    for environment in ("dev", "prod"):
        wanted["environments"][environment]["compute"] = COMPUTE
        wanted["environments"][environment]["approval"] = "none"
    manifest.write_text(yaml.safe_dump(wanted, sort_keys=False))
    conf = made.repo / "conf" / "base.yaml"
    settings = yaml.safe_load(conf.read_text())
    settings["train"] = {**(settings.get("train") or {}), "engine": "dask"}  # so few rows would stay in one process
    conf.write_text(yaml.safe_dump(settings, sort_keys=False))
    spine.must(made.run("git", "commit", "-qam", "A cluster in dev and prod"))
    spine.must(made.run("make", "--no-print-directory", "setup"))
    spine.must(made.factory("up"))
    yield made
    spine.must(made.factory("destroy", "dev", "staging", "prod", "--yes", "--unprotect", "prod"))
    for folder in (made.repo, spine.folder / "loads"):
        shutil.rmtree(folder)


def workers(made: Spine) -> list[int]:
    """Processes that compute for the use case now."""
    found = subprocess.run(
        ["pgrep", "-f", "meters worker --scheduler"], capture_output=True, text=True, check=False
    ).stdout
    return [pid for pid in map(int, found.split()) if made.home in folder_of(pid).parents]


def folder_of(pid: int) -> Path:
    """Where a process runs; the root when it is gone."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True)
    except OSError:
        return Path("/")


@contextmanager
def a_worker_is_killed(made: Spine) -> Iterator[list[int]]:
    """Kill -9 of the first worker that is seen inside; the list holds it at the end."""
    killed, ended = list[int](), threading.Event()

    def wait_and_kill() -> None:
        while not ended.is_set() and not killed:
            for pid in workers(made)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            time.sleep(0.05)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def told(outcome: Outcome) -> dict[str, object]:
    """What a command says as JSON."""
    found: dict[str, object] = json.loads(outcome.out)
    return found


def test_given_two_workers_when_trained_and_released_then_prod_scores_on_its_own_and_a_killed_one_is_replaced(
    meters: Spine,
) -> None:
    trained = meters.must(meters.python("run", environment="dev"))
    assert ON_CLUSTER.search(trained.everything)
    for environment in ("staging", "prod"):
        meters.must(meters.factory("release", "--to", environment))

    with a_worker_is_killed(meters) as killed:
        scored = meters.must(meters.python("score", "--json", environment="prod"))

    table = tables.read(Path(meters.contract("prod")["data_uri"]), tables.SCORED)
    assert killed and ON_CLUSTER.search(scored.err)
    assert told(scored)["rows"] == len(table) == table["prediction_id"].nunique() == FILES * ROWS
    traced = meters.must(meters.python("trace", table["prediction_id"].iloc[-1], "--env", "prod", "--json"))
    assert told(traced)["version"] and meters.must(meters.run("git", "rev-parse", "HEAD")).out.strip() in traced.out
    until = time.monotonic() + ENDED_SECONDS
    while workers(meters) and time.monotonic() < until:
        time.sleep(0.2)
    assert workers(meters) == [], "they end with the run"


def test_given_the_same_rows_when_scored_in_one_process_then_every_answer_is_the_same_bit_for_bit(
    meters: Spine,
) -> None:
    on_workers = tables.read(Path(meters.contract("prod")["data_uri"]), tables.SCORED)
    staging = meters.must(meters.python("score", "--json", environment="staging"))
    alone = tables.read(Path(meters.contract("staging")["data_uri"]), tables.SCORED)

    assert not ON_CLUSTER.search(staging.err)
    columns = ["wind", "heat", "noise", "prediction"]
    pd.testing.assert_frame_equal(on_workers[columns], alone[columns], check_exact=True)


def test_given_a_cluster_when_the_environment_is_refreshed_then_nothing_differs(meters: Spine) -> None:
    refreshed = json.loads(meters.must(meters.factory("refresh", "--json")).out)

    assert [result["changed"] for result in refreshed] == [[]] * 3
