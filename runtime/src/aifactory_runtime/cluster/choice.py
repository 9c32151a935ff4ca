"""Where work is done, in this process or on the cluster, and why: a rule of numbers, which looks at nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Engine = Literal["auto", "local", "dask"]
Place = Literal["process", "cluster", "nowhere"]
START_SECONDS = 10
"""About what workers take to start and to import the packages."""
_NOT_PARTED = ", and it cannot be done by partition"
_MIB, _GIB = 2**20, 2**30


@dataclass(frozen=True)
class Size:
    """A cluster that is there or can be started: processes that compute, and the bytes that each of them may take."""

    workers: int
    memory: int | None
    """None where nobody says: then nothing is refused for want of it."""
    known: bool = True
    """False before anybody asked a cluster that others run: the numbers say nothing then."""

    @property
    def said(self) -> str:
        """As people read it."""
        if not self.known:
            return "the environment's cluster"
        each = "" if self.memory is None else f" of {said(self.memory)}"
        return f"{self.workers} worker{'' if self.workers == 1 else 's'}{each}"

    def holds(self, each: int) -> bool:
        """Whether every worker has so many bytes."""
        return self.memory is None or each <= self.memory


UNKNOWN = Size(1, None, known=False)
"""A cluster of which nobody has asked yet how large it is."""


@dataclass(frozen=True)
class Work:
    """What is to be done: `whole` bytes are taken by one process, `parted` by all workers of a cluster together.

    `parted` is None for work that cannot be done by partition.
    """

    what: str
    rows: int | None
    """None where it is not known yet."""
    whole: int
    parted: int | None


@dataclass(frozen=True)
class Choice:
    """Where, and why, in a line that names the numbers it was decided by."""

    where: Place
    reason: str


def choose(engine: Engine, work: Work, free: int | None, cluster: Size | None) -> Choice:
    """Where to do `work` with `free` bytes in this process, None when nobody knows, and the environment's cluster.

    `auto` takes the cluster only for what this process has no memory for, `dask` for all that can be done by partition.
    `nowhere`: neither has the memory, or the work cannot be done by partition; the reason says what mends it.
    """
    fits = free is None or work.whole <= free
    what = work.what if work.rows is None else f"{work.what} of {work.rows} rows"
    here = f"{what} takes {said(work.whole)}" + ("" if free is None else f", {said(free)} free")
    if engine == "local":
        return Choice("process", f"{here}: in this process, as train.engine is local")
    if cluster is None:
        none = "this environment has no cluster"
        return (
            Choice("process", f"{here}: in this process; {none}") if fits else Choice("nowhere", f"{here}, and {none}")
        )
    on = cluster.said
    if fits and (engine == "auto" or work.parted is None):
        why = f"; {on} would add about {START_SECONDS} s to start" if work.parted is not None else _NOT_PARTED
        return Choice("process", f"{here}: in this process{why}")
    if work.parted is None:
        return Choice("nowhere", f"{here}{_NOT_PARTED} on the cluster ({on})")
    share = f"{said(-(-work.parted // cluster.workers))} on each of " if work.parted and cluster.known else ""
    each = f"{share}{on}"
    if not cluster.holds(-(-work.parted // cluster.workers)):
        return Choice("nowhere", f"{here}, and {each}: add workers, or memory to each")
    return Choice("cluster", f"{here}: on the cluster, {each}, about {START_SECONDS} s to start")


def said(number: int) -> str:
    """Bytes as people read them."""
    return f"{number / _GIB:.1f} GiB" if number >= _GIB // 10 else f"{number / _MIB:.1f} MiB"
