"""Starts a Dask scheduler and its workers for a run that asks, in that run's released code, and ends them with it.

Standard library only, and stable: what computes comes from the snapshot of the run. A run asks over a socket that only
this user reaches, and has the cluster as long as it holds the connection: one run at a time, the others wait in the
order in which they came and are told for whom. Nothing runs between runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

TICK = 0.1
LOOPBACK = "127.0.0.1"
CODE = ("src", "vendor/aifactory-runtime/src")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
RELEASED = "AIFACTORY_RELEASED"
"""Variable that tells scheduler and workers their commit and lock, as the runtime reads it."""
COMMIT = re.compile(r"[0-9a-f]{40}")
REQUEST_SECONDS = 5.0
MOST_BYTES = 65_536
START_SECONDS = 120.0
"""How long the scheduler may take to listen: it imports its packages, on a busy machine from a cold disk."""
STOP_SECONDS = 8.0
RESTARTS = 50
"""So often workers are started again in one run; what takes them all down is in their logs."""
HEADROOM = 1.25
"""A worker is ended by Dask at its memory; this much of it the kernel refuses to give, between two looks of Dask."""
GIB = 2**30
RESERVED = 2 * GIB
"""What a worker may reserve and never use: stacks of threads and room of allocators count at the kernel's bound, and
one that gets no further thread stands still."""


@dataclass(frozen=True)
class Options:
    """What the launcher was started with."""

    socket: Path
    package: str
    snapshots: Path
    """Folder with the released code of the use case, by commit."""
    port: int
    dashboard_port: int
    workers: int
    memory_gb: float
    threads: int


@dataclass
class Cluster:
    """Scheduler and workers of one run."""

    options: Options
    snapshot: Path
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    restarts: int = 0

    @property
    def address(self) -> str:
        """Where runs find it."""
        return f"tcp://{LOOPBACK}:{self.options.port}"

    def start(self) -> str | None:
        """Start the scheduler; a sentence when it cannot be."""
        if _listens(self.options.port):
            return f"port {self.options.port} is held by another process: end it, or factory up leases another"
        dashboard = f"{LOOPBACK}:{self.options.dashboard_port}"
        self.scheduler = self._run([], "scheduler", "--port", str(self.options.port), "--dashboard-address", dashboard)
        until = time.monotonic() + START_SECONDS
        while not _listens(self.options.port):
            if self.scheduler.poll() is not None or time.monotonic() > until:
                return "the scheduler does not start: its log lines are in the log of this service"
            time.sleep(TICK)
        self.workers = [self._worker() for _ in range(self.options.workers)]
        return None

    def look(self) -> bool:
        """Start workers again that ended; False when the scheduler is gone, or workers end again and again."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            say("the scheduler ended; the run is told by its connection to it")
            return False
        for number, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.restarts += 1
                if self.restarts > RESTARTS:
                    say(f"workers ended {RESTARTS} times: the cluster of this run ends")
                    return False
                say(f"worker {worker.pid} ended with {worker.returncode}: started again")
                _kill_group(worker)
                self.workers[number] = self._worker()
        return True

    def end(self) -> None:
        """End all of it: politely, then by force."""
        processes = [one for one in (*self.workers, self.scheduler) if one is not None]
        for process in processes:
            if process.stdin is not None:
                process.stdin.close()  # at which it ends by itself
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and any(process.poll() is None for process in processes):
            time.sleep(TICK)
        for process in processes:
            _kill_group(process)
            process.wait()

    def _worker(self) -> subprocess.Popen[bytes]:
        options = self.options
        memory = int(options.memory_gb * GIB)
        bound = ["prlimit", f"--data={int(memory * HEADROOM) + RESERVED}"]
        words = ("--scheduler", self.address, "--nthreads", str(options.threads), "--memory-limit", str(memory))
        return self._run(bound, "worker", *words)

    def _run(self, bound: list[str], *words: str) -> subprocess.Popen[bytes]:
        python = str(self.snapshot / ".venv" / "bin" / "python")
        command = [*bound, python, "-m", self.options.package, *words, "--until-stdin-ends"]
        variables = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        threads = str(self.options.threads)
        variables |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MALLOC_ARENA_MAX": "2"}
        variables["PYTHONPATH"] = os.pathsep.join(str(self.snapshot / folder) for folder in CODE)
        variables[RELEASED] = f"{self.snapshot.name}:{lock_of(self.snapshot)}"
        return subprocess.Popen(
            command, cwd=self.snapshot, env=variables, stdin=subprocess.PIPE, start_new_session=True
        )


class Queue:
    """Whose turn it is: first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[object, str]] = []

    def enter(self, who: object, said: str) -> None:
        """Wait from now on."""
        with self._lock:
            self._waiting.append((who, said))

    def leave(self, who: object) -> None:
        """Have it no more, or wait no more."""
        with self._lock:
            self._waiting = [one for one in self._waiting if one[0] is not who]

    def before(self, who: object) -> str | None:
        """Who has it while `who` waits; None when it is its turn."""
        with self._lock:
            holder, said = self._waiting[0]
            return None if holder is who else said

    @property
    def all(self) -> list[str]:
        """Who has it and who waits, in order."""
        with self._lock:
            return [said for _, said in self._waiting]


class Launcher:
    """Answers runs at the socket."""

    def __init__(self, options: Options) -> None:
        self._options, self._queue, self._stopping = options, Queue(), threading.Event()
        self._socket = _listen(options.socket)

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        say("waits for runs")
        threads: list[threading.Thread] = []
        while not self._stopping.is_set():
            readable, _, _ = select.select([self._socket], [], [], TICK)
            if readable:
                connection, _ = self._socket.accept()
                threads = [thread for thread in threads if thread.is_alive()]
                threads.append(threading.Thread(target=self._serve, args=(connection,)))
                threads[-1].start()
        for thread in threads:
            thread.join()
        self._socket.close()
        self._options.socket.unlink(missing_ok=True)
        return 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _serve(self, connection: socket.socket) -> None:
        """One connection from its request to its end."""
        with connection, contextlib.suppress(OSError):
            asked = _request(connection)
            if asked.get("ask") == "status":
                _tell(connection, self._status())
                return
            snapshot = self._options.snapshots / str(asked.get("commit"))
            if reason := unfit(snapshot):
                _tell(connection, {"state": "refused", "reason": reason})
                return
            who = f"{asked.get('run', 'a run')} (process {asked.get('pid')}) since {time.strftime('%H:%M:%S')}"
            self._queue.enter(connection, who)
            try:
                if self._wait(connection):
                    self._give(connection, snapshot, who)
            finally:
                self._queue.leave(connection)

    def _wait(self, connection: socket.socket) -> bool:
        """Wait for its turn, and say for whom; False when the run has gone meanwhile."""
        told = None
        while (holder := self._queue.before(connection)) is not None:
            if holder != told:
                _tell(connection, {"state": "waiting", "for": holder})
                told = holder
            if self._stopping.is_set() or _gone(connection):
                return False
        return not self._stopping.is_set()

    def _give(self, connection: socket.socket, snapshot: Path, who: str) -> None:
        """The cluster, until the run ends or the scheduler does."""
        say(f"starts {self._options.workers} workers of {snapshot.name[:12]} for {who}")
        cluster = Cluster(self._options, snapshot)
        try:
            try:
                reason = cluster.start()
            except OSError as error:
                reason = f"no process can be started: {error.filename or 'this machine'}: {error.strerror or error}"
            if reason:
                _tell(connection, {"state": "refused", "reason": reason})
                return
            _tell(connection, {"state": "ready", "address": cluster.address, "dashboard": self._dashboard()})
            while not self._stopping.is_set() and not _gone(connection) and cluster.look():
                pass
        finally:
            cluster.end()
            say(f"ended the workers of {who}")

    def _dashboard(self) -> str:
        return f"http://{LOOPBACK}:{self._options.dashboard_port}/info/main/workers.html"

    def _status(self) -> dict[str, Any]:
        running = self._queue.all
        return {
            "state": "running" if running else "idle",
            "runs": running,
            "dashboard": self._dashboard() if running and _listens(self._options.dashboard_port) else None,
        }


def unfit(snapshot: Path) -> str | None:
    """Why no worker can be started from `snapshot`, in a sentence; None when one can."""
    if not COMMIT.fullmatch(snapshot.name):
        return "the run names no commit: files that are not committed cannot run on a cluster"
    if not (snapshot / ".venv" / "bin" / "python").exists():
        return f"commit {snapshot.name[:12]} has no environment here: run it again, which makes one"
    return None


def lock_of(snapshot: Path) -> str:
    """Digest of the lock that the environment of `snapshot` was made from: the name of the folder it leads to."""
    link = snapshot / ".venv"
    return link.readlink().name if link.is_symlink() else ""


def say(message: str) -> None:
    """A line of the log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} cluster: {message}\n")
    sys.stderr.flush()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill it and the children that it may have left: they are in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _listen(path: Path) -> socket.socket:
    """The socket, for this user alone; OSError when its folder is somebody else's."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    found = path.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(f"{path.parent} belongs to somebody else")
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(16)
    return listener


def _request(connection: socket.socket) -> dict[str, Any]:
    """The line that was asked; empty when there is none in time."""
    connection.settimeout(REQUEST_SECONDS)
    text = b""
    try:
        while b"\n" not in text and len(text) < MOST_BYTES and (more := connection.recv(4096)):
            text += more
        asked = json.loads(text or b"{}")
    except (OSError, ValueError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _tell(connection: socket.socket, said: dict[str, Any]) -> None:
    connection.sendall(json.dumps(said).encode() + b"\n")


def _gone(connection: socket.socket) -> bool:
    """Whether the other side has closed, after a moment: it says nothing while it runs."""
    readable, _, _ = select.select([connection], [], [], TICK)
    return bool(readable) and connection.recv(4096) == b""


def _listens(port: int) -> bool:
    with socket.socket() as asked:
        asked.settimeout(1.0)
        return asked.connect_ex((LOOPBACK, port)) == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options and run; 1 with a sentence when the socket cannot be had."""
    parser = argparse.ArgumentParser(description="Starts a Dask cluster for each run that asks.")
    parser.add_argument("--socket", type=Path, required=True, help="where runs ask")
    parser.add_argument("--package", required=True, help="the use case's package")
    parser.add_argument("--snapshots", type=Path, required=True, help="folder with its released code, by commit")
    parser.add_argument("--port", type=int, required=True, help="of the scheduler")
    parser.add_argument("--dashboard-port", type=int, required=True, help="of the scheduler's pages")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--memory-gb", type=float, required=True, help="of each worker")
    parser.add_argument("--threads", type=int, required=True, help="of each worker")
    try:
        return Launcher(Options(**vars(parser.parse_args(arguments)))).run()
    except OSError as error:
        sys.stderr.write(f"cluster: the socket cannot be had: {error.strerror or error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
