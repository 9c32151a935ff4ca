"""Runs one function over partitions and gives the results in their order: the interface, and this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from aifactory_runtime.errors import FactoryError

P = TypeVar("P")
R = TypeVar("R")


class Executor(Protocol):
    """Runs one function over partitions; results come in the order of the partitions.

    Function and partitions are picklable, the function by reference: it stands in a module of released code. Results
    are small, or Arrow or numpy. The function may run more than once for a partition, when a worker is lost, so what it
    writes has to be the same each time or to be chosen by its result.
    """

    @property
    def workers(self) -> int:
        """Processes that compute: 1 for this process."""
        ...

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        """What `function` gives for each of `partitions`, in their order; `what` names a partition, such as "part".

        Partitions are taken as they are needed, so they may be without number. An error of the function is raised as it
        is, with a note that names the partition unless it is a FactoryError, which names its place itself.
        """
        ...


class LocalExecutor:
    """One partition after the other in this process, each when its result is asked for."""

    @property
    def workers(self) -> int:
        """This process."""
        return 1

    def in_order(self, function: Callable[[P], R], partitions: Iterable[P], *, what: str) -> Iterator[R]:
        """See `Executor.in_order`."""
        for number, partition in enumerate(partitions, start=1):
            try:
                result = function(partition)
            except Exception as error:
                name_partition(error, what, number)
                raise
            yield result


def name_partition(error: BaseException, what: str, number: int) -> None:
    """Note at which partition, from 1, `error` was raised; a FactoryError says where it is itself."""
    if not isinstance(error, FactoryError):
        error.add_note(f"at {what} {number}")
