"""Opens a Dask cluster that is there, and refuses one that does not answer or is not what this process is."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.cluster import certificates, facts
from aifactory_runtime.cluster.facts import Facts, Released
from aifactory_runtime.contract import scheduler_address
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from distributed import Client

SECONDS = 10
"""How long a scheduler may take to answer, and its first worker to be there."""
_LOGS = ("distributed", "distributed.client", "distributed.core", "distributed.comm", "asyncio", "tornado")


@contextmanager
def connect(
    address: str,
    tls: Path | None = None,
    released: Released | None = None,
    *,
    seconds: float = SECONDS,
    workers: int = 1,
    worker_seconds: float | None = None,
) -> Iterator[Client]:
    """A client of the scheduler at `address`, closed with the block; `tls` is the file that names the certificates.

    `released` is the code that each process there has to run; None where this process's variable says it.

    UsageProblem for an address that may not be spoken to, FactoryError when nothing answers within `seconds`, there are
    fewer than `workers` within `worker_seconds` (`seconds` by default), or a process there has other versions or code.
    """
    try:
        scheduler_address.check(address, certificates=tls is not None)
    except ValueError as error:
        raise UsageProblem(str(error)) from None
    security = None if tls is None else certificates.read(tls).security()
    with _quiet():
        client = _open(address, security, seconds)
        try:
            _await(client, address, workers, seconds if worker_seconds is None else worker_seconds)
            _check(client, address, facts.here(released))
            yield client
        finally:
            client.close()


def _open(address: str, security: Any, seconds: float) -> Client:
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise UsageProblem(
            "a cluster is asked for, and Dask is not installed: run make setup, it takes requirements/factory-dask.txt "
            "too"
        ) from None
    with dask.config.set({"distributed.comm.timeouts.connect": f"{seconds:g}s"}):
        try:
            return Client(address, security=security, timeout=seconds, set_as_default=False)
        except (OSError, RuntimeError) as error:  # of which a timeout and a certificate that does not fit are two
            raise FactoryError(_silent(address, error, seconds)) from None


def _silent(address: str, error: Exception, seconds: float) -> str:
    reasons = [str(one).lower() for one in (error, error.__cause__, error.__context__) if one is not None]
    if any("certificate" in reason or "ssl" in reason for reason in reasons):
        return f"the scheduler at {address} and this side do not accept each other's certificates: see cluster_tls_file"
    return f"the scheduler at {address} does not answer within {seconds:g} s: start it, or mend cluster_uri"


def _await(client: Client, address: str, workers: int, seconds: float) -> None:
    """Refuse a cluster without enough workers."""
    try:
        client.wait_for_workers(workers, timeout=seconds)
    except TimeoutError:
        found = len(client.nthreads())
        there = "no worker" if not found else f"{found} of {workers} workers"
        raise FactoryError(
            f"the scheduler at {address} has had {there} for {seconds:g} s: start one with "
            f"python -m <package> worker --scheduler {address}"
        ) from None


def _check(client: Client, address: str, ours: Facts) -> None:
    """Refuse a cluster with a process that is something else."""
    for name, theirs in _others(client).items():
        if not isinstance(theirs, Facts):
            raise FactoryError(f"{name} of the cluster at {address} does not say what it is: {theirs}")
        if found := facts.differences(ours, theirs):
            raise FactoryError(
                f"{name} of the cluster at {address} differs from this run: {'; '.join(found)}; start it from the "
                "same commit and lock"
            )


def _others(client: Client) -> Mapping[str, Any]:
    """What the scheduler and each worker are."""
    try:
        scheduler = client.run_on_scheduler(facts.here)
    except Exception as error:  # without our code there it is whatever unpickling says
        scheduler = f"{type(error).__name__}: {error}"
    workers = client.run(facts.here, on_error="return")
    return {"the scheduler": scheduler, **{f"worker {place}": found for place, found in workers.items()}}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Dask's own lines: what matters of them is said in one of ours."""
    loggers = [logging.getLogger(name) for name in _LOGS]
    before = [one.level for one in loggers]
    try:
        for one in loggers:
            one.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"distributed\b")
            yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)
