"""Holds the port of one scoring service and runs its workers: starts, restarts, and replaces them one beside the other.

Standard library only, and stable: the code that scores comes from the released snapshot, this does not change with it.
The listening socket stays open whatever the workers do, so that no caller is refused while one is replaced. All workers
take connections from it, each once its model is loaded; as long as none does, the launcher itself answers that nothing
is ready. New code takes over when all its workers are ready.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

TICK = 0.1
BIND_SECONDS = 15.0
"""How long to wait for a port that a dying worker of an earlier launcher still holds."""
PATIENCE = 3.0
"""How long callers wait for a worker that is being restarted before they are told that nothing is ready."""
STOP_SECONDS = 15.0
"""How long a worker may drain before it is killed: the most that drain_seconds may say, and some for late requests."""
MAX_BACK_OFF = 30.0
DOUBLINGS = 10
"""After so many failures the pause is the longest; without an end the power would be more than a float holds."""
SETTLED_SECONDS = 30.0
"""A worker that lived this long was healthy: its death does not count as one more failure in a row."""
ANSWER_SECONDS = 2.0
MAX_ANSWERING = 64

CODE = ("src", "vendor/aifactory-runtime/src")
"""Where a snapshot has its code; of commits made before the runtime moved all is in the first."""
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
LEAN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "PYTHONUNBUFFERED": "1"}
"""One request is small work: threads and memory arenas would only cost memory."""


@dataclass(frozen=True)
class Options:
    """What the launcher was started with."""

    port: int
    serving: Path
    package: str
    environment_file: Path
    workers: int = 1
    sockets: Path | None = None
    """A folder with a short path, for the challenger's socket; None is one of this service alone."""


@dataclass
class Worker:
    """A process that runs the code of one snapshot."""

    process: subprocess.Popen[bytes]
    snapshot: Path
    started: float
    slot: int
    """Under which it counts what it does: a number that no other living worker has."""
    stop_by: float | None = None

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Ask it to drain and end."""
        if self.stop_by is None:
            self.stop_by = time.monotonic() + STOP_SECONDS
            self.process.terminate()


@dataclass
class BackOff:
    """How long the next start has to wait: the longer, the more ends in a row came soon after a start."""

    failures: int = 0
    not_before: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the next start may come."""
        return time.monotonic() >= self.not_before

    def ended(self, started: float) -> float:
        """Something that was started at `started` ended by itself; seconds until the next start."""
        settled = time.monotonic() - started > SETTLED_SECONDS
        self.failures = 1 if settled else self.failures + 1
        pause = 0.0 if self.failures == 1 else min(MAX_BACK_OFF, 2.0 ** min(self.failures - 2, DOUBLINGS))
        self.not_before = time.monotonic() + pause
        return pause

    def wait(self) -> None:
        """Nothing could be started: wait as long as ever."""
        self.not_before = time.monotonic() + MAX_BACK_OFF


class Launcher:
    """Keeps as many ready workers of the current snapshot behind the socket as it was told."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._socket = _listen(options.port)
        _forget_reports(options.serving)
        self._metrics = _empty(options.serving / "metrics")
        self._challenger = Challenger(options, self._say)
        self._workers: list[Worker] = []
        """All of one snapshot."""
        self._next: list[Worker] = []
        """All of one other snapshot, which is to take over."""
        self._leaving: list[Worker] = []
        self._back_off = BackOff()
        self._answered_until = 0.0
        self._stopping = False
        self._reported: str | None = None

    def run(self) -> int:
        """Work until SIGTERM or SIGINT, then drain; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self._stopping:
            self._supervise()
            self._wait()
        self._say("stopping: draining the workers")
        self._leave(self._workers)
        self._leave(self._next)
        while self._leaving:
            self._reap()
            self._wait()
        self._challenger.end()  # last: what drains may still ask it
        self._socket.close()
        return 0

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _supervise(self) -> None:
        """One look at the link and the workers, and what follows from it."""
        self._reap()
        self._challenger.look()
        snapshot = self._current()
        self._bury()
        if snapshot is None:
            return
        if not self._workers:
            self._workers, self._next = self._next, []
        ours = self._workers[0].snapshot if self._workers else snapshot
        if ours == snapshot or any(worker.snapshot != snapshot for worker in self._next):
            self._leave(self._next)
        if ours != snapshot:
            self._fill(self._next, snapshot)
            self._take_over(snapshot)
        self._fill(self._workers, ours)

    def _fill(self, team: list[Worker], snapshot: Path) -> None:
        """Start the workers of `snapshot` that are missing in `team`, unless it is too early after a failure."""
        while len(team) < self._options.workers and self._back_off.over:
            worker = self._start(snapshot)
            if worker is not None:
                team.append(worker)

    def _take_over(self, snapshot: Path) -> None:
        """Let the next workers be those that answer, once all of them are ready."""
        if len(self._next) < self._options.workers or not all(map(self._ready, self._next)):
            return
        for worker in self._next:
            self._say(f"worker {worker.process.pid} of {snapshot.name} takes over")
        self._leave(self._workers)
        self._workers, self._next = self._next, []

    def _bury(self) -> None:
        """Notice workers that ended by themselves, and wait longer with each failure in a row."""
        for team in (self._workers, self._next):
            for worker in [worker for worker in team if not worker.alive()]:
                team.remove(worker)
                pause = self._back_off.ended(worker.started)
                code = worker.process.returncode
                self._say(f"worker {worker.process.pid} ended with {code}; the next one starts in {pause:g} s")
                if team is self._workers and self._status(worker).get("ready") is True:
                    self._answered_until = time.monotonic() + PATIENCE
                self._status_path(worker).unlink(missing_ok=True)

    def _reap(self) -> None:
        """Let go of workers that have drained; kill those that take too long."""
        for worker in list(self._leaving):
            if not worker.alive():
                self._leaving.remove(worker)
                self._status_path(worker).unlink(missing_ok=True)
            elif worker.stop_by is not None and time.monotonic() > worker.stop_by:
                self._say(f"worker {worker.process.pid} did not drain in time: killed")
                worker.process.kill()

    def _leave(self, team: list[Worker]) -> None:
        """Let all of `team` drain and end."""
        for worker in team:
            worker.stop()
        self._leaving += team
        team.clear()

    def _current(self) -> Path | None:
        """Snapshot that is to run; None before the first release or when it cannot run."""
        link = self._options.serving / "current"
        if not link.is_symlink():
            return None
        snapshot = link.resolve()
        if not _python(snapshot).exists():
            self._say_once(f"{link} leads to {snapshot}, which has no environment: run release again")
            return None
        return snapshot

    def _start(self, snapshot: Path) -> Worker | None:
        """A worker on `snapshot`; None when it cannot be run."""
        command = [str(_python(snapshot)), "-m", self._options.package, "serve", "--fd", str(self._socket.fileno())]
        variables = _variables(self._options, snapshot)
        variables["AIFACTORY_CHALLENGER"] = str(self._challenger.path)
        slot = self._free_slot()
        variables["PROMETHEUS_MULTIPROC_DIR"] = str(self._metrics)
        variables["AIFACTORY_SLOT"] = str(slot)
        try:
            process = subprocess.Popen(
                command,
                cwd=snapshot,
                env=variables,
                pass_fds=(self._socket.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            self._back_off.failures += 1
            self._back_off.wait()
            self._say(f"{snapshot} cannot be run ({error.strerror}): run release again")
            return None
        self._say(f"worker {process.pid} of {snapshot.name} starts")
        return Worker(process, snapshot, time.monotonic(), slot)

    def _free_slot(self) -> int:
        taken = {worker.slot for worker in (*self._workers, *self._next, *self._leaving)}
        return next(slot for slot in range(len(taken) + 1) if slot not in taken)

    def _status_path(self, worker: Worker) -> Path:
        return self._options.serving / "status" / f"{worker.process.pid}.json"

    def _status(self, worker: Worker) -> dict[str, object]:
        try:
            loaded = json.loads(self._status_path(worker).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def _ready(self, worker: Worker) -> bool:
        return worker.alive() and self._status(worker).get("ready") is True

    def _wait(self) -> None:
        """Sleep a tick; when no worker takes connections, answer those that come meanwhile."""
        now = time.monotonic()
        if not self._stopping and any(map(self._ready, self._workers)):
            self._answered_until = now + PATIENCE
        if now < self._answered_until and not self._stopping:
            time.sleep(TICK)
            return
        readable, _, _ = select.select([self._socket], [], [], TICK)
        if not readable or threading.active_count() > MAX_ANSWERING:
            return
        if not self._stopping and any(self._ready(worker) or not worker.alive() for worker in self._workers):
            return  # one became ready meanwhile, so this caller is its own, or died, and the next one comes at once
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, self._reason()), daemon=True).start()

    def _reason(self) -> str:
        """Why nothing is ready, in words for a caller."""
        if self._stopping:
            return "the service is stopping"
        if not self._workers:
            return "no model is released yet" if self._current() is None else "the service is starting again"
        reasons = (self._status(worker).get("reason") for worker in self._workers)
        return next((str(reason) for reason in reasons if reason), "the service is starting")

    def _say(self, message: str) -> None:
        self._reported = message
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} launcher: {message}\n")
        sys.stderr.flush()

    def _say_once(self, message: str) -> None:
        if message != self._reported:
            self._say(message)


class Challenger:
    """Keeps one worker of the challenger's snapshot beside the others, as long as the link `challenger` is there.

    It listens on a socket of its own and may crash or hang: nobody but the workers that answer speaks to it.
    """

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options, self._say = options, say
        self._link = options.serving / "challenger"
        digest = hashlib.sha256(str(options.serving).encode()).hexdigest()[:12]
        self._folder = options.sockets or Path(f"/tmp/aifactory-{os.getuid()}-{digest}")  # noqa: S108
        self.path = self._folder / f"{digest}.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._snapshot: Path | None = None
        self._started = 0.0
        self._back_off = BackOff()

    def look(self) -> None:
        """Start it, start it again after it died, or end it: what the link asks for."""
        wanted = self._link.resolve() if self._link.is_symlink() else None
        if self._process is not None and self._process.poll() is not None:
            self._bury(self._process.returncode)
        if self._process is not None and self._snapshot != wanted:
            self.end()
        if wanted is None:
            self._back_off = BackOff()
        elif self._process is None and self._back_off.over:
            self._start(wanted)

    def end(self) -> None:
        """Kill it: the champion answers whoever waits for it, so there is nothing to drain."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.path.unlink(missing_ok=True)
        if self._options.sockets is None:
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def _start(self, snapshot: Path) -> None:
        command = [str(_python(snapshot)), "-m", self._options.package, "serve", "--challenger", str(self.path)]
        try:
            _own_folder(self._folder)
            variables = _variables(self._options, snapshot)
            self._process = subprocess.Popen(command, cwd=snapshot, env=variables, stdin=subprocess.DEVNULL)
        except OSError as error:
            self._back_off.wait()
            self._say(f"the challenger in {snapshot} cannot be run ({error.strerror or error}): run release again")
            return
        self._snapshot, self._started = snapshot, time.monotonic()
        self._say(f"challenger {self._process.pid} of {snapshot.name} starts")

    def _bury(self, code: int) -> None:
        pause = self._back_off.ended(self._started)
        self._say(f"the challenger ended with {code}; the next one starts in {pause:g} s")
        self._process = None


def _variables(options: Options, snapshot: Path) -> dict[str, str]:
    """What a worker of `snapshot` finds in its environment, and nothing else of this process's."""
    variables = {key: os.environ[key] for key in PASSED_ON if key in os.environ} | LEAN
    variables["PYTHONPATH"] = os.pathsep.join(str(snapshot / folder) for folder in CODE)
    variables["AIFACTORY_ENV_FILE"] = str(options.environment_file)
    variables["AIFACTORY_LAUNCHER"] = str(os.getpid())
    return variables


def _own_folder(folder: Path) -> None:
    """Make the folder of the socket; OSError when somebody else put one there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)


def _python(snapshot: Path) -> Path:
    return snapshot / ".venv" / "bin" / "python"


def _forget_reports(serving: Path) -> None:
    """Empty `status/`: no worker of ours runs yet, and after a reboot a number in it may be another process's."""
    for report in (serving / "status").glob("*"):
        report.unlink(missing_ok=True)


def _empty(folder: Path) -> Path:
    """The folder in which workers count, without what those of an earlier launcher left."""
    folder.mkdir(parents=True, exist_ok=True)
    for counts in folder.glob("*.db"):
        counts.unlink(missing_ok=True)
    return folder


def _listen(port: int) -> socket.socket:
    """A socket on the loopback address; OSError when the port stays taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until = time.monotonic() + BIND_SECONDS
    while True:
        try:
            listener.bind(("127.0.0.1", port))
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(TICK)
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _answer(connection: socket.socket, reason: str) -> None:
    """Answer one request in place of a worker: alive, but not ready."""
    with connection:
        try:
            connection.settimeout(ANSWER_SECONDS)
            request = connection.recv(65_536)
            live = request.startswith(b"GET /health/live ")
            body = json.dumps({"live": True} if live else {"ready": False, "detail": reason, "reason": reason}).encode()
            status = b"200 OK" if live else b"503 Service Unavailable"
            head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, len(body))
            connection.sendall(head + b"Retry-After: 1\r\nConnection: close\r\n\r\n" + body)
            connection.shutdown(socket.SHUT_WR)
            until = time.monotonic() + ANSWER_SECONDS
            while connection.recv(65_536) and time.monotonic() < until:
                pass  # what the caller still sends is taken, or a reset would overtake the answer
        except OSError:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options and run; 1 with a sentence when the port cannot be had."""
    parser = argparse.ArgumentParser(description="Holds the port of a scoring service and runs its workers.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--serving", type=Path, required=True, help="folder with serving.json and the current link")
    parser.add_argument("--package", required=True, help="the use case's package")
    parser.add_argument("--environment-file", type=Path, required=True, help="the environment contract")
    parser.add_argument("--workers", type=int, default=1, help="how many processes answer")
    parser.add_argument("--sockets", type=Path, help="a folder with a short path, for the challenger's socket")
    given = parser.parse_args(arguments)
    places = given.serving.absolute(), given.package, given.environment_file.absolute()
    options = Options(given.port, *places, max(1, given.workers), given.sockets)
    try:
        launcher = Launcher(options)
    except OSError as error:
        sys.stderr.write(f"launcher: port {options.port} on 127.0.0.1 cannot be had: {error.strerror}\n")
        return 1
    return launcher.run()


if __name__ == "__main__":
    sys.exit(main())
