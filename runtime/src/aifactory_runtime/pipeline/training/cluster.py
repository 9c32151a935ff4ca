"""Who computes in a training: this process, the environment's cluster, or Dask workers that a training starts here."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aifactory_runtime.cluster.choice import UNKNOWN, Place, Size
from aifactory_runtime.cluster.executor import Executor, LocalExecutor
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline import executing, memory
from aifactory_runtime.pipeline.context import Context

_GIB = 2**30
_LOG = logging.getLogger("aifactory.train")


def size(context: Context) -> Size | None:
    """The environment's cluster; without one, for `dask`, a worker for each core of this machine; None for none."""
    contract = context.contract
    if contract.cluster_uri is not None:
        if contract.cluster_workers is None or contract.cluster_memory_gb is None:
            return UNKNOWN
        return Size(contract.cluster_workers, round(contract.cluster_memory_gb * _GIB))
    if context.settings.train.engine != "dask":
        return None
    cores, free = _cores(), memory.available()
    return Size(cores, None if free is None else free // cores)


def asked(executor: Executor) -> Size:
    """How large a cluster is that is open: as many workers as there are, each like the smallest."""
    limit: Any = getattr(executor, "worker_memory")  # noqa: B009 (an executor in this process has none)
    return Size(executor.workers, limit)


@contextmanager
def of(context: Context, place: Place) -> Iterator[Executor]:
    """What computes at this place; what `n_jobs` of an estimator spreads runs on Dask's workers, too.

    What a training starts ends with the block. UsageProblem when Dask is wanted and not installed.
    """
    provisioned = context.contract.cluster_uri is not None
    if place == "process" and context.settings.train.engine != "dask":
        yield LocalExecutor()
    elif provisioned:
        import joblib

        with (
            executing.of(context, always=True) as executor,
            joblib.parallel_config(backend="dask", n_jobs=-1, client=executor.client),  # type: ignore[attr-defined]
        ):
            yield executor
    else:
        with _here() as executor:
            yield executor


@contextmanager
def _here() -> Iterator[Executor]:
    """Workers of this machine, one a core."""
    try:
        import dask
        import joblib
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageProblem(
            "train.engine is dask, which is not installed: run make setup, it takes requirements/factory-dask.txt too"
        ) from None
    from aifactory_runtime.cluster.dask_executor import DaskExecutor

    cores = _cores()
    quiet = {"distributed.worker.daemon": True, "distributed.admin.tick.limit": "1h"}
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=cores,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # none opens one on every address
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask", n_jobs=-1),
    ):
        _LOG.warning("training on %d Dask workers of this machine", cores)
        yield DaskExecutor(client, "set data.max_train_rows in conf, or train on a larger machine")


def _cores() -> int:
    return len(os.sched_getaffinity(0))
