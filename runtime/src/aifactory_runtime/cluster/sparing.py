"""Computes few partitions in this process and many on a cluster, which is started when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from aifactory_runtime.cluster.executor import Executor, LocalExecutor, P, R

FEW = 4
"""So many partitions are computed here: some four million rows, fewer where a step cuts wide tables finer."""


class SparingExecutor:
    """`start` gives the cluster; `workers` is how many it has, as far as anybody knows before it is started."""

    def __init__(self, start: Callable[[], Executor], workers: int) -> None:
        self._start, self._workers = start, workers
        self._cluster: Executor | None = None
        self.spared = False
        """Whether something was computed here."""

    @property
    def workers(self) -> int:
        """Processes that compute many partitions."""
        return self._workers if self._cluster is None else self._cluster.workers

    @property
    def started(self) -> bool:
        """Whether the cluster was needed."""
        return self._cluster is not None

    def cluster(self) -> Executor:
        """The cluster itself, for what cannot be done here."""
        if self._cluster is None:
            self._cluster = self._start()
        return self._cluster

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        """See `Executor.in_order`: by the number of partitions alone, so that a run always decides alike."""
        coming = iter(partitions)
        first = list(islice(coming, FEW + 1))
        if len(first) <= FEW:
            self.spared = True
            return LocalExecutor().in_order(function, first, what=what)
        return self.cluster().in_order(function, chain(first, coming), what=what)
