"""The launcher of the scoring service, with workers that are a few lines of standard library."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.serving.document import Loaded, ServingFolder, Status
from infra.providers.local import layout
from infra.services import launcher
from tests.fixtures.callers import Callers

pytestmark = pytest.mark.slow

LAUNCHER = Path(launcher.__file__)
MEMORY = 512 << 20
WORKER = """
import http.server, json, os, pathlib, signal, socket, sys, threading, time
NAME, READY = {name!r}, {ready!r}
serving = pathlib.Path(json.loads(pathlib.Path(os.environ["AIFACTORY_ENV_FILE"]).read_text())["release_uri"])
status = serving / "status" / (str(os.getpid()) + ".json")
status.parent.mkdir(exist_ok=True)
if READY == "dies":
    sys.exit(3)
if READY == "never":
    status.write_text(json.dumps({{"ready": False, "reason": "the model is broken"}}))
    time.sleep(600)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = os.environ["AIFACTORY_SLOT"] if self.path == "/slot" else os.environ.get("SECRET", "scrubbed")
        body = (NAME + " " + told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.daemon_threads = False
server.socket = socket.socket(fileno=int(sys.argv[sys.argv.index("--fd") + 1]))
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
time.sleep(0.2)
status.write_text(json.dumps({{"ready": True, "reason": None}}))
server.serve_forever(poll_interval=0.02)
server.server_close()
"""


class Running:
    """A launcher on a port of its own, and what a caller sees of it."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.folder = folder
        self.serving = folder / "serving"
        self.serving.mkdir()
        environment = folder / "environment.json"
        environment.write_text(json.dumps({"release_uri": str(self.serving)}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = ["prlimit", f"--data={MEMORY}", sys.executable, "-I", "-S", str(LAUNCHER), "--port", str(self.port)]
        command += ["--serving", str(self.serving), "--workers", str(workers)]
        self.process = subprocess.Popen(
            [*command, "--package", "churn", "--environment-file", str(environment)],
            env={**os.environ, "SECRET": "passphrase"},
            stderr=subprocess.PIPE,
        )

    def release(self, name: str, ready: str = "soon") -> Path:
        snapshot = self.folder / "snapshots" / name
        (snapshot / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (snapshot / "src" / "churn").mkdir(parents=True, exist_ok=True)
        python = snapshot / ".venv" / "bin" / "python"
        if not python.exists():
            python.symlink_to(sys.executable)
        (snapshot / "src" / "churn" / "__main__.py").write_text(WORKER.format(name=name, ready=ready))
        link = self.serving / "new"
        link.symlink_to(snapshot)
        link.replace(self.serving / "current")
        return snapshot

    def get(self, path: str = "/predict") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self, expected: str, seconds: float = 30, path: str = "/predict") -> None:
        until = time.monotonic() + seconds
        seen: object = None
        while time.monotonic() < until:
            try:
                seen = self.get(path)
                if expected in seen[1]:
                    return
            except OSError as error:
                seen = error
            time.sleep(0.05)
        raise AssertionError(f"never saw {expected!r}, last saw {seen!r}")

    def wait_for_slots(self, *expected: str) -> None:
        """Until all of these answer, each in its turn."""
        for slot in expected:
            self.wait(slot, path="/slot")

    def wait_until_left(self, count: int) -> None:
        until = time.monotonic() + 20
        while len(self.workers()) != count and time.monotonic() < until:
            time.sleep(0.05)
        assert len(self.workers()) == count

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    yield from _started(Running(tmp_path))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Running]:
    """A launcher of two workers, both ready."""
    for started in _started(Running(tmp_path, workers=2)):
        started.release("one")
        started.wait_for_slots("one 0", "one 1")
        yield started


def callers_of(running: Running) -> Callers:
    """Four of them, who ask which worker answers."""
    return Callers(lambda: running.get("/slot"), 4)


def _started(started: Running) -> Iterator[Running]:
    try:
        yield started
    finally:
        workers = started.workers() if started.process.poll() is None else []
        started.process.terminate()
        try:
            started.process.wait(20)
        except subprocess.TimeoutExpired:
            started.process.kill()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def test_given_no_release_when_asked_then_live_but_not_ready(running: Running) -> None:
    running.wait("no model is released yet")

    assert running.get("/health/live") == (200, '{"live": true}')
    status, body = running.get("/health/ready")
    assert status == 503 and json.loads(body)["ready"] is False


def test_given_a_release_when_the_worker_is_ready_then_it_answers_with_a_scrubbed_environment(running: Running) -> None:
    running.release("one")

    running.wait("one")
    assert running.get() == (200, "one scrubbed")


def test_given_a_worker_that_cannot_load_when_asked_then_its_reason_is_told(running: Running) -> None:
    running.release("one", ready="never")

    running.wait("the model is broken")
    assert running.get("/health/ready")[0] == 503


def test_fault_38_given_kill_9_of_the_worker_when_asked_then_another_answers_within_5_seconds(running: Running) -> None:
    running.release("one")
    running.wait("one")
    (worker,) = running.workers()

    os.kill(worker, signal.SIGKILL)
    started = time.monotonic()
    status, _ = running.get()

    assert status == 200 and time.monotonic() - started < 5
    assert running.workers() != [worker]


def test_figure_2_given_load_when_the_code_moves_then_no_request_fails_and_the_old_worker_ends(
    running: Running,
) -> None:
    running.release("one")
    running.wait("one")
    with callers_of(running) as callers:
        time.sleep(0.3)
        running.release("two")
        running.wait("two")
        running.wait_until_left(1)

    assert callers.failed() == []
    assert {body.split()[0] for _, _, body in callers.answers} == {"one", "two"}
    assert running.get()[1].startswith("two")


def test_figure_3_given_two_workers_under_load_when_one_is_killed_then_no_later_request_fails_and_two_are_back(
    two: Running,
) -> None:
    before = two.workers()
    with callers_of(two) as callers:
        time.sleep(0.3)
        os.kill(before[0], signal.SIGKILL)
        killed = time.monotonic()
        two.wait_until_left(2)
        while before[0] in two.workers():
            time.sleep(0.05)
        two.wait_for_slots("one 0", "one 1")

    assert callers.failed(since=killed) == []
    assert before[1] in two.workers(), "the other one went on"
    assert {body for _, status, body in callers.answers if status} == {"one 0", "one 1"}


def test_figure_2_given_two_workers_under_load_when_the_code_moves_there_and_back_then_no_request_fails(
    two: Running,
) -> None:
    with callers_of(two) as callers:
        for name in ("two", "one"):
            two.release(name)
            two.wait(name)
            two.wait_until_left(2)

    assert callers.failed() == []
    assert {body.split()[0] for _, _, body in callers.answers} == {"one", "two"}
    assert two.get()[1].startswith("one") and len(two.workers()) == 2


def test_given_new_code_that_never_gets_ready_when_one_of_two_is_killed_then_the_old_code_has_two_again(
    two: Running,
) -> None:
    before = two.workers()
    two.release("broken", ready="never")
    two.wait_until_left(4)
    os.kill(before[0], signal.SIGKILL)
    two.wait_for_slots("one 0", "one 1")
    two.wait_until_left(4)

    assert before[1] in two.workers() and two.get() == (200, "one scrubbed")


def test_given_a_bound_of_memory_when_two_workers_run_then_each_has_it(two: Running) -> None:
    for worker in two.workers():
        limits = Path(f"/proc/{worker}/limits").read_text()
        assert str(MEMORY) in next(line for line in limits.splitlines() if line.startswith("Max data size"))


@pytest.mark.parametrize("fault", ["never", "dies"])
def test_given_new_code_that_never_gets_ready_when_released_then_the_old_worker_goes_on(
    running: Running, fault: str
) -> None:
    running.release("one")
    running.wait("one")
    running.release("two", ready=fault)
    time.sleep(1.5)

    assert running.get() == (200, "one scrubbed")
    running.release("one")
    time.sleep(0.5)
    assert running.get() == (200, "one scrubbed")


def test_fault_37_given_sigterm_when_a_worker_runs_then_both_end_and_the_port_is_free(running: Running) -> None:
    running.release("one")
    running.wait("one")
    (worker,) = running.workers()

    running.process.terminate()

    assert running.process.wait(10) == 0
    assert not Path(f"/proc/{worker}").exists()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", running.port))


def test_given_a_worker_that_always_dies_when_watched_then_starts_become_rarer(running: Running) -> None:
    running.release("one", ready="dies")
    time.sleep(5)
    running.process.terminate()
    _, said = running.process.communicate(timeout=10)

    assert 3 <= said.count(b" starts\n") <= 6
    assert b"starts in 2 s" in said


def test_given_new_code_that_died_for_days_when_it_dies_again_then_the_launcher_goes_on(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait(30)
    kept = launcher.Launcher(launcher.Options(0, tmp_path, "churn", tmp_path / "environment.json"))
    kept._back_off.failures = 2000  # past 2.0**1023, the last power that a float holds
    kept._next = [launcher.Worker(dead, tmp_path, time.monotonic(), slot=0)]

    kept._supervise()
    kept._socket.close()

    assert kept._next == [] and 0 < kept._back_off.not_before - time.monotonic() <= launcher.MAX_BACK_OFF


def test_given_reports_from_before_a_reboot_when_started_then_none_counts_for_a_process_of_that_number(
    tmp_path: Path,
) -> None:
    serving = ServingFolder(tmp_path)
    serving.report(Status(os.getpid(), 7, Loaded("1", "a" * 64), True, None, "d" * 40))
    assert serving.statuses(), "this process has the number now, and is no worker"

    launcher.Launcher(launcher.Options(0, tmp_path, "churn", tmp_path / "environment.json"))._socket.close()

    assert serving.statuses() == [] and list((tmp_path / "status").iterdir()) == []


def test_given_workers_one_after_the_other_when_they_count_then_each_has_a_slot_that_no_living_one_has(
    running: Running,
) -> None:
    running.release("one")
    running.wait("one 0", path="/slot")
    running.release("two")
    running.wait("two 1", path="/slot")
    while len(running.workers()) > 1:
        time.sleep(0.05)
    assert "two 1" in running.get("/slot")[1], "its slot stays, although 0 is free now"
    (counting,) = running.workers()
    os.kill(counting, signal.SIGKILL)
    running.wait("two 0", path="/slot")
    assert counting not in running.workers()


def test_given_counts_of_an_earlier_launcher_when_started_then_they_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_0.db").write_bytes(b"old")
    kept = launcher.Launcher(launcher.Options(0, tmp_path, "churn", tmp_path / "environment.json"))
    kept._socket.close()
    assert list(folder.iterdir()) == []


def test_given_a_slow_caller_before_the_release_when_others_ask_then_they_are_answered(running: Running) -> None:
    running.wait("no model")
    with socket.create_connection(("127.0.0.1", running.port)) as slow:
        slow.sendall(b"GET / HT")
        started = time.monotonic()
        assert running.get()[0] == 503
        assert time.monotonic() - started < 1


CHALLENGER = """
import pathlib, socketserver, sys
path = pathlib.Path(sys.argv[sys.argv.index("--challenger") + 1])

class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            self.wfile.write(b"{name}\\n")

path.unlink(missing_ok=True)
socketserver.ThreadingUnixStreamServer(str(path), Handler).serve_forever()
"""


def challenge(running: Running, name: str) -> None:
    """Let the link `challenger` lead to a snapshot whose worker says `name`."""
    snapshot = running.release(name)
    (snapshot / "src" / "churn" / "__main__.py").write_text(CHALLENGER.format(name=name))
    running.release("champion")
    link = running.serving / "newer"
    link.symlink_to(snapshot)
    link.replace(running.serving / "challenger")


def said_by_challenger(running: Running, expected: str | None) -> None:
    """Wait until the challenger answers `expected` on its socket, or until there is no socket."""
    digest = hashlib.sha256(str(running.serving).encode()).hexdigest()[:12]
    path = layout.runtime(running.serving) / f"{digest}.sock"
    until = time.monotonic() + 30
    said: object = None
    while time.monotonic() < until:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(path))
                connection.sendall(b"x\n")
                said = connection.recv(100).decode().strip()
        except OSError:
            said = None
        if said == expected and (expected is not None or not path.exists()):
            return
        time.sleep(0.05)
    raise AssertionError(f"the challenger said {said!r}, not {expected!r}")


def test_given_a_link_to_a_challenger_then_it_runs_beside_and_is_started_again_changed_and_ended_with_the_link(
    running: Running,
) -> None:
    challenge(running, "first")
    running.wait("champion")
    said_by_challenger(running, "first")

    os.kill(next(pid for pid in running.workers() if b"--challenger" in Path(f"/proc/{pid}/cmdline").read_bytes()), 9)
    time.sleep(0.2)
    said_by_challenger(running, "first")
    challenge(running, "second")
    said_by_challenger(running, "second")
    (running.serving / "challenger").unlink()
    said_by_challenger(running, None)
    assert running.get() == (200, "champion scrubbed"), "whatever became of the challenger"
