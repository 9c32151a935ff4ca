"""Runs one Dask scheduler, or one worker, as this process until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aifactory_runtime.cluster import facts
from aifactory_runtime.cluster.certificates import Certificates
from aifactory_runtime.cluster.facts import Released
from aifactory_runtime.contract import scheduler_address
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    from distributed.security import Security

ALLOWED_FAILURES = 3
"""Workers that a partition may take down and still be tried once more."""
_SCHEDULER = {
    "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
    "distributed.admin.tick.limit": "1h",
}
# Results are small: nothing is written to a worker's disk, and one that needs too much ends instead of waiting.
_WORKER = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.admin.tick.limit": "1h",
}
_CLOSE_SECONDS = 5


@dataclass(frozen=True)
class SchedulerOptions:
    """Where a scheduler listens; `dashboard` is the address of its pages, None for none."""

    host: str
    port: int
    dashboard: str | None = None
    certificates: Certificates | None = None


@dataclass(frozen=True)
class WorkerOptions:
    """Whom a worker serves, and what it may take; `memory` is in bytes or as Dask reads it, 0 sets no bound."""

    scheduler: str
    threads: int = 1
    memory: str = "auto"
    name: str | None = None
    dashboard: str | None = None
    interface: str | None = None
    folder: str | None = None
    death_timeout: float | None = 60.0
    """Seconds without a scheduler after which it ends; None waits for ever."""
    certificates: Certificates | None = None


class _Server(Protocol):
    """What a scheduler and a nanny have in common."""

    def __await__(self) -> Any: ...
    async def finished(self) -> None: ...
    async def close(self, timeout: float) -> Any: ...


def scheduler(
    options: SchedulerOptions, released: Released | None, *, with_stdin: bool, say: Callable[[str], None]
) -> None:
    """Be the scheduler until a signal ends it, or, with `with_stdin`, standard input; FactoryError when it cannot."""
    dask = _dask()
    from distributed import Scheduler

    _is(released)

    def make() -> _Server:
        made: _Server = Scheduler(
            host=options.host,
            port=options.port,
            protocol="tls://" if options.certificates else "tcp://",
            security=_security(options.certificates),
            dashboard=options.dashboard is not None,
            dashboard_address=options.dashboard or f"{options.host}:0",  # its figures are served in any case
        )
        return made

    with dask.config.set(_SCHEDULER):
        _run(make, f"port {options.port} of {options.host} cannot be had", with_stdin, say)


def worker(options: WorkerOptions, released: Released | None, *, with_stdin: bool, say: Callable[[str], None]) -> None:
    """Be a worker that is started again when it dies, until its scheduler is gone, a signal or standard input ends."""
    dask = _dask()
    from distributed import Nanny

    _is(released)

    def make() -> _Server:
        made: _Server = Nanny(
            options.scheduler,
            nthreads=options.threads,
            memory_limit=options.memory,
            name=options.name,
            security=_security(options.certificates),
            interface=options.interface,
            host=_host(options),
            local_directory=options.folder,
            death_timeout=options.death_timeout,
            dashboard=options.dashboard is not None,
            dashboard_address=options.dashboard or f"{_host(options) or scheduler_address.LOOPBACK}:0",
        )
        return made

    with dask.config.set(_WORKER):
        _run(make, f"the scheduler at {options.scheduler} does not take this worker", with_stdin, say)


def _run(make: Callable[[], _Server], failed: str, with_stdin: bool, say: Callable[[str], None]) -> None:
    try:
        asyncio.run(_serve(make, with_stdin, say))
    except (OSError, RuntimeError, ValueError) as error:
        raise FactoryError(f"{failed}: {str(error).strip().partition(chr(10))[0] or type(error).__name__}") from None


async def _serve(make: Callable[[], _Server], with_stdin: bool, say: Callable[[str], None]) -> None:
    """Start it, then wait for what comes first: its own end, a signal, the end of standard input."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if with_stdin:
        loop.add_reader(sys.stdin.fileno(), _read, told)
    ends = asyncio.ensure_future(told.wait())
    starts = asyncio.ensure_future(_started(make))
    await asyncio.wait({ends, starts}, return_when=asyncio.FIRST_COMPLETED)
    if not starts.done():
        starts.cancel()
        return
    server = await starts
    say(f"ready at {getattr(server, 'address', '')}")
    await asyncio.wait({ends, asyncio.ensure_future(server.finished())}, return_when=asyncio.FIRST_COMPLETED)
    if with_stdin:
        loop.remove_reader(sys.stdin.fileno())
    with suppress(TimeoutError, OSError):
        await asyncio.wait_for(_closed(server), _CLOSE_SECONDS)


def _read(told: asyncio.Event) -> None:
    """Standard input has something to say: only its end matters."""
    if not os.read(sys.stdin.fileno(), 1024):
        told.set()


async def _started(make: Callable[[], _Server]) -> _Server:
    server = make()
    await server
    return server


def _closed(server: _Server) -> Awaitable[Any]:
    return server.close(timeout=_CLOSE_SECONDS)


def _is(released: Released | None) -> None:
    """Say to this process and its children what they run."""
    if released is not None:
        os.environ[facts.RELEASED] = released.text


def _host(options: WorkerOptions) -> str | None:
    """Where a worker listens: on loopback where its scheduler does; else Dask finds out, and asks for certificates."""
    host = urlsplit(options.scheduler).hostname or ""
    return scheduler_address.LOOPBACK if scheduler_address.is_loopback(host) and options.interface is None else None


def _security(certificates: Certificates | None) -> Security | None:
    return None if certificates is None else certificates.security()


def _dask() -> Any:
    try:
        import dask
    except ImportError:
        raise UsageProblem(
            "Dask is not installed here: its lock is requirements/factory-dask.txt; make setup takes it once "
            "factory.yaml or conf/ asks for a cluster"
        ) from None
    return dask
