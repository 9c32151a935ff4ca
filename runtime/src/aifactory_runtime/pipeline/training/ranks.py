"""One function on all workers at once, which speak to each other while it runs: all of it again when one is lost."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from aifactory_runtime.cluster.dask_executor import DaskExecutor
from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.contract import scheduler_address
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")
FITS = 3
"""How often a fit is begun in all, when workers are lost within it."""
_LOOK_SECONDS = 1.0
_LEAVE_SECONDS = 5.0
"""What the others get to end by themselves once one of them has failed."""
_BACK_SECONDS = 180
_DRAWS = 20
_LOG = logging.getLogger("aifactory.train")


@dataclass(frozen=True)
class Rank:
    """A worker that takes part: its place among them, its address without port, its threads; "" for this process."""

    place: int
    worker: str
    host: str
    threads: int


class _Lost(Exception):
    """A worker is gone, and the others can do nothing without it."""


def run(
    executor: Executor, function: Callable[[T], R], tasks: Callable[[Sequence[Rank]], Sequence[T]], *, private: bool
) -> list[R]:
    """What `function`, of a module, gives for each of the tasks, one on each worker, all at the same time.

    `tasks` makes one for each rank. In this process there is one rank. UsageProblem when what the workers say to each
    other would leave this machine on a network that nobody declared `private`; FactoryError when workers were lost in
    each of three fits.
    """
    if not isinstance(executor, DaskExecutor):
        return [function(task) for task in tasks([Rank(0, "", "127.0.0.1", 0)])]
    client = executor.client
    for begun in range(1, FITS + 1):
        ranks = _ranks(client)
        _check_private(ranks, private=private)
        try:
            return _once(client, function, ranks, tasks(ranks))
        except _Lost as error:
            if begun < FITS:
                _LOG.warning("%s: the fit begins again (%d of %d)", error, begun + 1, FITS)
    raise FactoryError(
        f"workers were lost in each of {FITS} fits: their logs say what ended them; if it was memory, give them more "
        "of it, take more workers, or set data.max_train_rows in conf"
    )


def _ranks(client: Client) -> list[Rank]:
    """The workers in the order of their names, once there is one."""
    try:
        client.wait_for_workers(1, timeout=_BACK_SECONDS)
    except TimeoutError:
        raise FactoryError(
            f"the cluster has had no worker for {_BACK_SECONDS} s: start workers, then run again"
        ) from None
    threads = client.nthreads()
    names = client.scheduler_info(n_workers=-1)["workers"]
    order = sorted(threads, key=lambda worker: (str(names[worker]["name"]) if worker in names else "", worker))
    return [Rank(place, one, str(urlsplit(one).hostname), threads[one]) for place, one in enumerate(order)]


def _check_private(ranks: Sequence[Rank], *, private: bool) -> None:
    away = [one.host for one in ranks if not scheduler_address.is_loopback(one.host)]
    if away and not private:
        raise UsageProblem(
            f"the trainers of xgboost and lightgbm speak over sockets of their own, without TLS, here to {away[0]}: "
            "set train.private_network: true in conf if nobody else is on that network, or use an estimator with "
            "partial_fit"
        )


def _once(client: Client, function: Callable[[T], R], ranks: Sequence[Rank], tasks: Sequence[T]) -> list[R]:
    futures: list[Future[R]] = [
        client.submit(function, task, workers=[rank.worker], allow_other_workers=False, pure=False)
        for rank, task in zip(ranks, tasks, strict=False)
    ]
    chosen = {rank.worker for rank, _ in zip(ranks, tasks, strict=False)}
    over = threading.Event()
    for future in futures:
        future.add_done_callback(lambda _: over.set())
    try:
        while not all(future.status == "finished" for future in futures):
            _check_all_there(client, chosen)
            failed = [one for one in futures if one.status in ("error", "lost", "cancelled")]
            if failed:
                time.sleep(_LOOK_SECONDS)  # a socket closes sooner than the scheduler knows why
                _check_all_there(client, chosen)
                raise _error(failed[0])
            over.wait(_LOOK_SECONDS)
            over.clear()
        return list(client.gather(futures))
    except BaseException:
        _end(client, futures)
        raise


def _check_all_there(client: Client, chosen: set[str]) -> None:
    if gone := chosen - set(client.nthreads()):
        raise _Lost(f"{len(gone)} of {len(chosen)} workers lost")


def _error(failed: Future[Any]) -> BaseException:
    from distributed import CancelledError, KilledWorker

    found: Any = failed.exception() if failed.status == "error" else None
    if found is None or isinstance(found, KilledWorker | CancelledError):
        return _Lost("a worker lost")
    error: BaseException = found
    return error


def _end(client: Client, futures: Sequence[Future[Any]]) -> None:
    """No rank goes on: one that waits for another in vain cannot be told, so its worker begins anew."""
    until = time.monotonic() + _LEAVE_SECONDS
    while time.monotonic() < until and not all(future.done() for future in futures):
        time.sleep(_LOOK_SECONDS / 10)
    waiting = [future for future in futures if not future.done()]
    client.cancel(list(futures), force=True)
    if waiting:
        with suppress(Exception):
            client.restart(timeout=_BACK_SECONDS, wait_for_workers=True)


def here(host: str) -> str:
    """The address of this machine that `host` reaches."""
    if scheduler_address.is_loopback(host):
        return "127.0.0.1"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.connect((host, 9))  # sends nothing
        address: str = found.getsockname()[0]
        return address


def free_ports(executor: Executor, chosen: Sequence[Rank]) -> list[int]:
    """For each rank a port of its machine that nobody listens on now, another one for each."""
    if not isinstance(executor, DaskExecutor):
        return [_free_port() for _ in chosen]
    for _ in range(_DRAWS):
        drawn = executor.client.run(_free_port, workers=[rank.worker for rank in chosen])
        found = [drawn[rank.worker] for rank in chosen]
        if len(set(found)) == len(found):
            return found
    raise FactoryError("the workers' machines have no free ports: end what uses them, then run again")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("", 0))
        port: int = found.getsockname()[1]
        return port
