"""Where the partitions of a run are computed: in this process, or on the cluster of its environment."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.cluster.sparing import FEW, SparingExecutor
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.quota import usage

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.pipeline.context import Context

_LOG = logging.getLogger("aifactory.cluster")
_MANY = 2
"""Workers of a cluster that nobody has counted yet."""
_WORKER_SECONDS = 120.0
"""How long workers that were just started may take: they import their packages, maybe from a cold disk."""


class Session:
    """The executor of one context: opened when it is first asked for, closed with the outermost block around it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._blocks = 0
        self._open = ExitStack()
        self._executor: SparingExecutor | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is opened inside stays open until the end of the block."""
        self._blocks += 1
        try:
            yield
        finally:
            self._blocks -= 1
            if not self._blocks:
                self._say_spared()
                self._executor = None
                self._open.close()

    def executor(self, *, always: bool) -> Executor:
        """The one of this context, inside a block; with `always` the cluster itself, where there is one."""
        contract, address = self._context.contract, self._context.contract.cluster_uri
        engine = self._context.settings.train.engine
        if address is None or engine == "local":
            return LocalExecutor()
        if self._executor is None:
            workers = contract.cluster_workers or _MANY
            self._executor = SparingExecutor(lambda: _cluster(self._context, address, self._open), workers)
        return self._executor.cluster() if always or engine == "dask" else self._executor

    def _say_spared(self) -> None:
        if self._executor is not None and self._executor.spared and not self._executor.started:
            _LOG.warning("at most %d partitions a step: computed in this process, no cluster was started", FEW)


@contextmanager
def of(context: Context, *, always: bool = False) -> Iterator[Executor]:
    """What computes partitions for `context`: its environment's cluster where one is named, else this process.

    With `train.engine: local` it is always this process, with `dask` always the cluster. Else few partitions are
    computed in this process all the same, unless `always`: see `cluster.sparing`. A cluster that the
    environment brings is started for it, and ends with the outermost block: see `kept`. While another run has it, this
    waits and says so. UsageProblem when files are not committed, or for an address that may not be spoken to;
    FactoryError when the cluster does not answer or is not what this run is.
    """
    with context.session.kept():
        yield context.session.executor(always=always)


@contextmanager
def kept(context: Context) -> Iterator[None]:
    """One cluster for all steps inside, should one of them ask for it."""
    with context.session.kept():
        yield


def _cluster(context: Context, address: str, opened: ExitStack) -> Executor:
    contract = context.contract
    from aifactory_runtime.cluster.connect import SECONDS, connect
    from aifactory_runtime.cluster.dask_executor import DaskExecutor
    from aifactory_runtime.cluster.facts import Released

    made_from = context.made_from
    if made_from.dirty:
        raise UsageProblem(
            f"files are not committed, and the cluster of {contract.environment} runs the code of a commit: commit "
            "them first, or try them without an environment"
        )
    released = Released(made_from.commit, made_from.lock_sha256)
    if contract.cluster_socket is not None:
        _provision(context, Path(contract.cluster_socket), released.commit, opened)
    tls = None if contract.cluster_tls_file is None else Path(contract.cluster_tls_file)
    ours = contract.cluster_socket is not None
    seconds, workers = (_WORKER_SECONDS, contract.cluster_workers or 1) if ours else (SECONDS, 1)
    client = opened.enter_context(connect(address, tls, released, workers=workers, worker_seconds=seconds))
    executor = DaskExecutor(client, _mend(context), released)
    _LOG.warning("on the cluster at %s: %d workers", address, executor.workers)
    return executor


def _provision(context: Context, launcher: Path, commit: str, opened: ExitStack) -> None:
    """Have the environment's cluster started in the snapshot of `commit`, which is made when there is none."""
    from aifactory_runtime.cluster import provisioned
    from aifactory_runtime.pipeline.snapshots.snapshot import Snapshots

    contract, made_from = context.contract, context.made_from
    snapshots = Snapshots(Path(contract.snapshot_uri), contract.use_case, contract.environment)
    if not snapshots.is_made(commit):
        _LOG.warning("making the environment that workers start in, once for each lock")
    snapshots.extract(context.project.root, commit)
    snapshots.prepare(commit, made_from.lock_sha256)
    run = f"{contract.use_case} in {contract.environment}"
    opened.enter_context(provisioned.held(launcher, commit, run, _LOG.warning))
    opened.callback(_note_hours, contract, time.monotonic())


def _note_hours(contract: EnvironmentContract, began: float) -> None:
    """Count what the workers took against the quota of compute, each for itself; the run counts its own time."""
    if contract.quota_compute_hours is None:
        return
    seconds = (time.monotonic() - began) * (contract.cluster_workers or 1)
    try:
        usage.note(contract, "cluster", round(seconds, 3), datetime.now(UTC))
    except FactoryError as error:
        _LOG.warning("the hours of the cluster are not counted: %s", error)


def _mend(context: Context) -> str:
    """The setting that gives a worker more memory."""
    contract = context.contract
    if contract.cluster_memory_gb is None:
        return "start its workers with a larger --memory-limit"
    key = f"environments.{contract.environment}.compute.memory_gb"
    return f"raise {key} in factory.yaml ({contract.cluster_memory_gb:g} now), then factory up {contract.environment}"
