"""Runs one function over partitions on the workers of a Dask cluster, with few results on their way at a time."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic

from aifactory_runtime.cluster import facts
from aifactory_runtime.cluster.executor import P, R, name_partition
from aifactory_runtime.cluster.facts import Facts, Released
from aifactory_runtime.errors import ClusterLost, FactoryError

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 2
"""Partitions a worker thread has been given and whose results were not taken yet."""
MEND = "give workers more memory"
_LOOK_SECONDS = 2.0
_WITHOUT_WORKERS = 30
"""Looks in a row at a cluster without workers before it is given up."""
_GIB = 2**30


class DaskExecutor:
    """Over a client whose cluster was checked; see `cluster.connect`.

    A partition that is lost with its worker runs again, on another worker or on the same one once it is back. One that
    takes down as many workers as the scheduler allows ends the whole with an error. `mend` says which setting gives a
    worker more memory; `released` is the code that every worker has to run, None where nobody says.
    """

    def __init__(self, client: Client, mend: str = MEND, released: Released | None = None) -> None:
        self._client, self._mend = client, mend
        self._expected = facts.here(released)

    @property
    def client(self) -> Client:
        """For what speaks Dask itself: joblib, and fits for which all workers are needed at once."""
        return self._client

    @property
    def workers(self) -> int:
        """Processes that compute now, at least 1: one that was killed may be about to come back."""
        return max(1, len(self._threads()))

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        """See `Executor.in_order`; FactoryError when the scheduler or the memory of a worker gives up."""
        call = _Checked(function, self._expected)
        most = AHEAD * max(1, sum(self._threads().values()))
        name, waiting = f"{what}-{uuid.uuid4().hex[:8]}", deque[tuple[int, "Future[R]"]]()
        try:
            for number, partition in enumerate(partitions, start=1):
                if len(waiting) >= most:
                    yield self._result(waiting, what)
                future: Future[R] = self._client.submit(call, partition, key=f"{name}-{number}", pure=False)
                waiting.append((number, future))
            while waiting:
                yield self._result(waiting, what)
        finally:
            for _, future in waiting:
                future.release()  # nobody will ask for it, so it is not computed

    def _result(self, waiting: deque[tuple[int, Future[R]]], what: str) -> R:
        """What the first of `waiting` gives, which is taken out."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        number, future = waiting[0]
        try:
            result = self._awaited(future)
        except KilledWorker as error:
            raise FactoryError(self._killed(error.allowed_failures + 1, what, number)) from None
        except MemoryError:
            raise FactoryError(
                f"{what} {number} does not fit into the memory of a worker{self._limit()}: {self._mend}"
            ) from None
        except (CancelledError, CommClosedError):
            raise ClusterLost(_gone(self._client)) from None
        except Exception as error:
            name_partition(error, what, number)
            raise
        waiting.popleft()
        return result

    def _awaited(self, future: Future[R]) -> R:
        """Its result once it is there; FactoryError when nobody is left to compute it."""
        alone = 0
        while True:
            try:
                result: R = future.result(timeout=_LOOK_SECONDS)
            except TimeoutError:
                if future.status == "error":  # the function's own, or one that came while this waited
                    return future.result()
            else:
                return result
            if self._client.status != "running":
                raise ClusterLost(_gone(self._client))
            alone = 0 if self._threads() else alone + 1
            if alone >= _WITHOUT_WORKERS:
                raise ClusterLost(
                    f"the cluster at {_address(self._client)} has had no worker for {alone * _LOOK_SECONDS:.0f} s: "
                    "start workers, then the same command again"
                )

    def _threads(self) -> Mapping[str, int]:
        """Threads by worker; FactoryError when the scheduler is gone."""
        try:
            found: Mapping[str, int] = self._client.nthreads()
        except (OSError, RuntimeError):
            raise ClusterLost(_gone(self._client)) from None
        return found

    def _killed(self, times: int, what: str, number: int) -> str:
        return (
            f"{what} {number} took {times} workers down one after the other, as a worker out of memory"
            f"{self._limit()} does: {self._mend}; the workers' logs say what ended them"
        )

    def _limit(self) -> str:
        """The memory of the smallest worker, in words."""
        found = self._client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [one["memory_limit"] for one in found if one.get("memory_limit")]
        return f" ({min(limits) / _GIB:.1f} GiB)" if limits else ""


class _Checked(Generic[P, R]):
    """The function, run only by a worker that is what the client is: one may have come later than the others."""

    def __init__(self, function: Callable[[P], R], expected: Facts) -> None:
        self._function, self._expected = function, expected
        self.__name__ = getattr(function, "__name__", "partition")

    def __call__(self, partition: P) -> R:
        differences = facts.differences(self._expected, facts.here())
        if differences:
            raise FactoryError(f"a worker (process {os.getpid()}) differs from this run: {'; '.join(differences)}")
        try:
            return self._function(partition)
        except FactoryError as error:
            error.__context__ = None  # it may hold rows, which would be sent to whoever reads the one line
            raise


def _gone(client: Client) -> str:
    return (
        f"the scheduler at {_address(client)} is gone: when it runs again, the same command goes on after the last "
        "whole step"
    )


def _address(client: Client) -> str:
    scheduler = client.scheduler
    return str(scheduler.address) if scheduler is not None else "its address"
