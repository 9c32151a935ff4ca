"""Figure 12: a worker of a cluster is killed while a model is trained and a table scored; nothing may differ by it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from typing import Any

from aifactory_runtime.data import row_hash, tables
from tests.faults.pipeline_kills import artefacts, differences
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import usecase_repo
from tests.fixtures.launched_cluster import LaunchedCluster

_ASKED = "same bytes scored, one commit, one registered version"
_FILES, _ROWS = 6, 400
_WORKERS = 2
_ON_WORKERS = (("run",), ("score",))
_COMMANDS = (_ON_WORKERS[0], ("release", "--env", "dev"), _ON_WORKERS[1])
_DRAWS = 8
_LATEST = 6.0
"""Seconds after the first worker is seen: it imports its packages for some of them, then computes."""
_EACH_TIME = ["scored_at"]
"""Columns of `scored` that are not the same twice."""
_MODEL = '''"""What learns, by partition on the workers."""

from xgboost import XGBClassifier


def make_model():
    """Boosted trees."""
    return XGBClassifier(n_estimators=20, max_depth=3)
'''
_CONF = """data: {equal_rows: together}
train: {seed: 7, engine: dask, learning_curve: false}
gate: {metric: roc_auc}
"""


def measure(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Train and score `kills` times on two workers, one of which is killed at a random moment."""
    cluster = LaunchedCluster(folder, prepare, workers=_WORKERS, memory_gb=1.0, data_source="data/parts")
    try:
        if problems := _work(cluster):
            raise RuntimeError(f"the run that nobody kills fails: {problems}")
        wanted = found(cluster)

        def trial(random: Random) -> Trial:
            return _trial(cluster, random, wanted)

        return figure(Figure(12, f"{kills} random kills of a worker of a cluster", _ASKED, seed), [trial] * kills, say)
    finally:
        cluster.end()


def prepare(repo: Path) -> str:
    """A table in several files, and a model that learns by partition; the commit."""
    for number in range(_FILES):
        usecase_repo.write_customers(repo / "data" / "parts" / f"part-{number}.csv", _ROWS, seed=number)
    (repo / "src" / usecase_repo.PACKAGE / "model.py").write_text(_MODEL)
    (repo / "conf" / "base.yaml").write_text(_CONF)
    return usecase_repo.commit(repo, "Several files, and training on the cluster")


def found(cluster: LaunchedCluster) -> dict[str, Any]:
    """What has to be the same after a kill."""
    folder = Path(cluster.contract["data_uri"])
    scored = tables.read(folder, tables.SCORED).drop(columns=_EACH_TIME)
    return {
        **artefacts(cluster.repo, "dev"),
        "scored rows": row_hash.digest(scored.columns, [row_hash.hashes(scored)]),
        "commits of scored": len(list((folder / tables.SCORED / "_delta_log").glob("*.json"))),
    }


def _trial(cluster: LaunchedCluster, random: Random, wanted: dict[str, Any]) -> Trial:
    for _ in range(_DRAWS):
        cluster.renew(f"dev-{random.getrandbits(48):x}")
        kill = _Kill(cluster, random.choice([words[0] for words in _ON_WORKERS]), random.uniform(0.0, _LATEST), random)
        began = time.monotonic()
        problems = _work(cluster, kill)
        took = time.monotonic() - began
        if kill.killed or problems:
            return Trial(kill.said, took, tuple(problems or differences(found(cluster), wanted)))
    return Trial("never killed: the command always ended first", 0.0, ("no kill",))


class _Kill:
    """Kill -9 of one worker, so many seconds after a command was first seen to have any."""

    def __init__(self, cluster: LaunchedCluster, command: str, after: float, random: Random) -> None:
        self.said, self.killed = f"killed in {command}, {after:.1f} s after workers began", False
        self._cluster, self._command, self._after, self._random = cluster, command, after, random

    @contextmanager
    def during(self, command: str) -> Iterator[None]:
        """Kill inside the block, if it is about this command."""
        ended = threading.Event()
        thread = threading.Thread(target=self._watch, args=(ended,))
        if command == self._command:
            thread.start()
        yield
        ended.set()
        if command == self._command:
            thread.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.is_set() and not workers(self._cluster):
            ended.wait(0.05)
        ended.wait(self._after)
        if not ended.is_set() and (there := workers(self._cluster)):
            os.kill(self._random.choice(there), signal.SIGKILL)
            self.killed = True


def _work(cluster: LaunchedCluster, kill: _Kill | None = None) -> list[str]:
    """Train and score; what failed."""
    for words in _COMMANDS:
        with kill.during(words[0]) if kill else nullcontext():
            done = subprocess.run(
                usecase_repo.command(*words),
                cwd=cluster.repo,
                env=usecase_repo.environment({"AIFACTORY_ENV": "dev"}),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            return [f"{words[0]} ends with {done.returncode}: {done.stderr.strip()[-300:]}"]
    return []


def workers(cluster: LaunchedCluster) -> list[int]:
    """Processes that compute for this cluster now."""
    mark = f"worker --scheduler tcp://127.0.0.1:{cluster.port}"
    told = subprocess.run(["pgrep", "-f", mark], capture_output=True, text=True, check=False).stdout
    return [int(pid) for pid in told.split()]
