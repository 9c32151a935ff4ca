"""Runs one function over partitions on the workers of a Dask cluster, with few results on their way at a time."""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic

from aifactory_runtime.cluster import facts
from aifactory_runtime.cluster.executor import P, R, name_partition
from aifactory_runtime.cluster.facts import Facts, Released
from aifactory_runtime.errors import ClusterLost, FactoryError

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 2
"""Tasks a worker thread has been given and whose results were not taken yet."""
TASK_SECONDS = 0.1
MOST_TOGETHER = 64
"""Partitions that take less than this are given several at a time, so many at most: a task costs some milliseconds."""
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

    @property
    def worker_memory(self) -> int | None:
        """Bytes that the smallest worker may take; None where none has a limit."""
        found = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return min((one["memory_limit"] for one in found if one.get("memory_limit")), default=None)

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        """See `Executor.in_order`; FactoryError when the scheduler or the memory of a worker gives up."""
        call, coming = _Checked(function, self._expected), iter(partitions)
        most = AHEAD * max(1, sum(self._threads().values()))
        waiting: deque[_Task[P, R]] = deque()
        number, together = 1, 1
        try:
            while waiting or together:
                while together and len(waiting) < most:
                    given = list(islice(coming, together))
                    if not given:
                        together = 0  # there are no more
                        break
                    waiting.append(self._submit(call, given, what, number))
                    number += len(given)
                if waiting:
                    done = self._result(waiting, call)
                    together = together and done.together
                    yield from done.results
        finally:
            for task in waiting:
                task.future.release()  # nobody will ask for it, so it is not computed

    def _submit(self, call: _Checked[P, R], partitions: Sequence[P], what: str, number: int) -> _Task[P, R]:
        key = f"{what}-{uuid.uuid4().hex[:8]}-{number}"
        return _Task(what, number, partitions, self._client.submit(call, partitions, key=key, pure=False))

    def _result(self, waiting: deque[_Task[P, R]], call: _Checked[P, R]) -> _Done[R]:
        """What the first of `waiting` gives, which is taken out; what it did not come to is given once more."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        task = waiting[0]
        try:
            done = self._awaited(task.future)
        except KilledWorker as error:
            raise FactoryError(self._killed(error.allowed_failures + 1, task)) from None
        except MemoryError:
            raise FactoryError(
                f"{task.said} does not fit into the memory of a worker{self._limit()}: {self._mend}"
            ) from None
        except (CancelledError, CommClosedError):
            raise ClusterLost(_gone(self._client)) from None
        except Exception as error:
            name_partition(error, task.what, task.number)
            raise
        waiting.popleft()
        if left := task.partitions[len(done.results) :]:
            waiting.appendleft(self._submit(call, left, task.what, task.number + len(done.results)))
        return done

    def _awaited(self, future: Future[_Done[R]]) -> _Done[R]:
        """Its result once it is there; FactoryError when nobody is left to compute it."""
        alone = 0
        while True:
            try:
                result: _Done[R] = future.result(timeout=_LOOK_SECONDS)
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

    def _killed(self, times: int, task: _Task[P, R]) -> str:
        return (
            f"{task.said} took {times} workers down one after the other, as a worker out of memory"
            f"{self._limit()} does: {self._mend}; the workers' logs say what ended them"
        )

    def _limit(self) -> str:
        """The memory of the smallest worker, in words."""
        limit = self.worker_memory
        return "" if limit is None else f" ({limit / _GIB:.1f} GiB)"


@dataclass(frozen=True)
class _Task(Generic[P, R]):
    """Partitions that one worker was given, from `number` on."""

    what: str
    number: int
    partitions: Sequence[P]
    future: Future[_Done[R]]

    @property
    def said(self) -> str:
        """As people read it."""
        last = self.number + len(self.partitions) - 1
        return f"{self.what} {self.number}" + ("" if last == self.number else f" to {last}")


@dataclass(frozen=True)
class _Done(Generic[R]):
    """Results of the first partitions of a task: of all of them, unless one failed."""

    results: Sequence[R]
    seconds: float

    @property
    def together(self) -> int:
        """How many partitions the next task may have."""
        return max(1, min(MOST_TOGETHER, int(len(self.results) * TASK_SECONDS / max(self.seconds, 1e-9))))


class _Checked(Generic[P, R]):
    """The function, run only by a worker that is what the client is: one may have come later than the others."""

    def __init__(self, function: Callable[[P], R], expected: Facts) -> None:
        self._function, self._expected = function, expected
        self.__name__ = getattr(function, "__name__", "partition")

    def __call__(self, partitions: Sequence[P]) -> _Done[R]:
        """The results, as far as it came: an error of a partition is raised when it is the first of a task."""
        differences = facts.differences(self._expected, facts.here())
        if differences:
            raise FactoryError(f"a worker (process {os.getpid()}) differs from this run: {'; '.join(differences)}")
        results: list[R] = []
        began = time.perf_counter()
        for partition in partitions:
            try:
                results.append(self._function(partition))
            except Exception as error:
                if results:
                    break
                if isinstance(error, FactoryError):
                    error.__context__ = None  # it may hold rows, which would be sent to whoever reads the one line
                raise
        return _Done(results, time.perf_counter() - began)


def _gone(client: Client) -> str:
    return (
        f"the scheduler at {_address(client)} is gone: when it runs again, the same command goes on after the last "
        "whole step"
    )


def _address(client: Client) -> str:
    scheduler = client.scheduler
    return str(scheduler.address) if scheduler is not None else "its address"
