"""A Dask scheduler and its workers on this machine, for the time of a training; what joblib spreads, they compute."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from aifactory_runtime.errors import UsageProblem

Engine = Literal["local", "dask"]
_LOG = logging.getLogger("aifactory.train")


@contextmanager
def of(engine: Engine) -> Iterator[None]:
    """Let what `n_jobs` of an estimator spreads run on Dask's workers, one a core; they end with the block.

    With `local` nothing is started. UsageProblem when the extra is not installed.
    """
    if engine == "local":
        yield
        return
    try:
        import dask
        import joblib
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageProblem(
            "train.engine is dask, which is not installed: run make setup, it takes requirements/factory-dask.txt too"
        ) from None
    cores = len(os.sched_getaffinity(0))
    quiet = {"distributed.worker.daemon": True, "distributed.admin.tick.limit": "1h"}
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=cores,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask", n_jobs=-1),
    ):
        _LOG.warning("training on %d Dask workers of this machine", cores)
        yield
