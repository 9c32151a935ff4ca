"""The launcher of clusters: real schedulers and workers of a snapshot, for one run at a time, and ended with it."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aifactory.status import clusters
from aifactory_runtime.cluster import provisioned, sparing
from aifactory_runtime.config import project
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import executing
from aifactory_runtime.pipeline import run as pipeline_run
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.run import STEPS
from aifactory_runtime.quota import usage
from infra.services import cluster
from tests.fixtures.launched_cluster import MEMORY_GB, LaunchedCluster, wait_for
from tests.fixtures.usecase_repo import PACKAGE, commit

pytestmark = pytest.mark.slow

PARTITIONS = '''"""What the tests let workers do."""

import os


def doubled(number):
    return 2 * number


def process(_):
    return os.getpid()


def hungry(_):
    return len(bytearray(4 << 30))
'''


class World(LaunchedCluster):
    """A repo, what `factory up` would have written for it, and the launcher of its cluster."""

    def partition(self, name: str) -> Callable[[Any], Any]:
        """A function of the committed science."""
        found: Callable[[Any], Any] = getattr(importlib.import_module(f"{PACKAGE}.partitions"), name)
        return found


def prepare(repo: Path) -> str:
    """Functions that workers call, and training on the cluster; the commit."""
    (repo / "src" / PACKAGE / "partitions.py").write_text(PARTITIONS)
    (repo / "conf" / "dev.yaml").write_text("train: {engine: dask, learning_curve: false}\n")
    (repo / "conf" / "embedded.yaml").write_text("train: {learning_curve: false}\n")
    return commit(repo, "Partitions, and training on the cluster")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("cluster"), prepare)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def _science(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AIFACTORY_ENV", raising=False)
    monkeypatch.syspath_prepend(str(world.repo / "src"))
    _forget()
    yield
    _forget()


def test_given_a_run_when_it_asks_then_workers_of_its_commit_compute_within_their_memory_and_end_with_it(
    world: World,
) -> None:
    context, second = world.context(), _Second(world)
    state = clusters._state
    assert state("demo-case", "dev", world.contract).state == "idle: starts with a run"
    with executing.of(context, always=True) as executor:
        assert list(executor.in_order(world.partition("doubled"), range(5), what="part")) == [0, 2, 4, 6, 8]
        (worker,) = executor.in_order(world.partition("process"), [0], what="part")
        limits = Path(f"/proc/{worker}/limits").read_text()
        bound = str(int(MEMORY_GB * cluster.HEADROOM * cluster.GIB) + cluster.RESERVED)
        assert bound in next(line for line in limits.splitlines() if line.startswith("Max data size"))
        assert (Path(f"/proc/{worker}/cwd").resolve()) == world.snapshots / "demo-case" / world.commit

        shown = state("demo-case", "dev", world.contract)
        assert shown.state == "running" and f"process {os.getpid()}" in shown.runs
        with executing.of(context, always=True) as same:
            assert same is executor
        second.start()
        wait_for(lambda: bool(second.said))
        assert f"taken by demo-case in dev (process {os.getpid()})" in second.said[0]
        assert "1 wait" in state("demo-case", "dev", world.contract).runs

        mend = r"part 1 does not fit .* raise environments\.dev\.compute\.memory_gb in factory\.yaml \(0\.5 now\)"
        with pytest.raises(FactoryError, match=mend):
            list(executor.in_order(world.partition("hungry"), [0], what="part"))
        os.kill(worker, signal.SIGKILL)
        assert list(executor.in_order(world.partition("doubled"), range(3), what="part")) == [0, 2, 4]
    assert not Path(f"/proc/{worker}").exists()
    assert usage.compute_hours(context.contract, _now()) > 0
    second.end()
    assert second.address == world.contract["cluster_uri"]


def test_given_a_pipeline_when_the_cluster_computes_it_then_tables_and_figures_are_those_of_one_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(context: Context) -> Handoff:
        return pipeline_run.run(context, list(STEPS), run_id=None, kind="experiment", say=lambda _: None)

    here = run(Context(project.load(world.repo)))
    monkeypatch.setattr(sparing, "FEW", 0)
    started = world.log.read_text().count(" starts 1 workers")
    there = run(world.context())

    assert {name: one.sha256 for name, one in there.tables.items()} == {
        name: one.sha256 for name, one in here.tables.items()
    }
    assert there.metrics == pytest.approx(here.metrics, rel=1e-9)
    assert there.version == 1
    assert world.log.read_text().count(" starts 1 workers") == started + 1


def test_given_a_scheduler_that_is_killed_when_run_then_one_line_says_so_and_the_next_run_has_a_new_one(
    world: World,
) -> None:
    with executing.of(world.context(), always=True) as executor:
        results = executor.in_order(world.partition("doubled"), range(100), what="part")
        assert next(results) == 0
        os.kill(_listener(world.port), signal.SIGKILL)
        with pytest.raises(FactoryError, match=r"the scheduler at \S+ is gone: .* the same command"):
            list(results)
    left = [pid for pid in _marked(world.commit) if pid != os.getpid()]
    with executing.of(world.context(), always=True) as executor:
        assert list(executor.in_order(world.partition("doubled"), [4], what="part")) == [8]
        assert not set(left) & set(_marked(world.commit)), "workers of the first run"
        world.process.kill()
        world.process.wait()
        wait_for(lambda: not _marked(world.commit))
        with pytest.raises(FactoryError, match="is gone"):
            list(executor.in_order(world.partition("doubled"), range(9), what="part"))
    world.process = world.launch()


def test_given_files_that_are_not_committed_when_run_then_they_are_refused_by_name(world: World) -> None:
    science = world.repo / "src" / PACKAGE / "partitions.py"
    science.write_text(PARTITIONS + "\n")
    try:
        with pytest.raises(UsageProblem, match="files are not committed"), executing.of(world.context(), always=True):
            pass
    finally:
        science.write_text(PARTITIONS)


def test_given_a_commit_without_an_environment_when_asked_then_it_is_refused(world: World) -> None:
    with (
        pytest.raises(FactoryError, match=r"cannot be started: commit cccccccccccc has no environment here"),
        provisioned.held(world.socket, "c" * 40, "a run", lambda _: None),
    ):
        pass


def test_given_an_interpreter_that_cannot_be_started_when_asked_then_the_reason_is_said(world: World) -> None:
    python = world.snapshots / "demo-case" / ("d" * 40) / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    with (
        pytest.raises(FactoryError, match=r"no process can be started: .*python: Permission denied"),
        provisioned.held(world.socket, "d" * 40, "a run", lambda _: None),
    ):
        pass


def test_given_no_launcher_when_asked_then_one_line_says_what_brings_it(tmp_path: Path) -> None:
    with (
        pytest.raises(FactoryError, match=r"does not answer \(No such file or directory\): factory start"),
        provisioned.held(tmp_path / "none.sock", "c" * 40, "a run", lambda _: None),
    ):
        pass


class _Second(threading.Thread):
    """Another run that asks for the cluster, and has it until it is told to end."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self.said: list[str] = []
        self.address = ""
        self._world, self._over = world, threading.Event()

    def run(self) -> None:
        with provisioned.held(self._world.socket, self._world.commit, "another", self.said.append) as address:
            self.address = address
            self._over.wait()

    def end(self) -> None:
        wait_for(lambda: bool(self.address))
        self._over.set()
        self.join()


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def _listener(port: int) -> int:
    from infra.providers.local import processes

    (found,) = processes.listeners(port)
    return found.pids[0]


def _marked(commit: str) -> list[int]:
    """Processes that run this commit's code."""
    from infra.providers.local import processes

    everybody = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in everybody if processes.environment(pid).get(cluster.RELEASED, "").startswith(commit)]


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
