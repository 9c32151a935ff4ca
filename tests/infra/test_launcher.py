"""The launcher of the scoring service, with workers that are a few lines of standard library."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.serving.document import Loaded, ServingFolder, Status
from infra.services import launcher

pytestmark = pytest.mark.slow

LAUNCHER = Path(launcher.__file__)
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serving = folder / "serving"
        self.serving.mkdir()
        environment = folder / "environment.json"
        environment.write_text(json.dumps({"release_uri": str(self.serving)}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-I", "-S", str(LAUNCHER), "--port", str(self.port), "--serving", str(self.serving)]
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

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path)
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
    answers: list[tuple[int, str]] = []
    ending = threading.Event()

    def ask() -> None:
        while not ending.is_set():
            try:
                answers.append(running.get())
            except OSError as error:
                answers.append((0, repr(error)))

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    time.sleep(0.3)
    running.release("two")
    running.wait("two")
    until = time.monotonic() + 20
    while len(running.workers()) > 1 and time.monotonic() < until:
        time.sleep(0.1)
    ending.set()
    for caller in callers:
        caller.join()

    assert {status for status, _ in answers} == {200}
    assert {body.split()[0] for _, body in answers} == {"one", "two"}
    assert running.get()[1].startswith("two")
    assert len(running.workers()) == 1


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
    kept._failures = 2000  # past 2.0**1023, the last power that a float holds
    kept._next = launcher.Worker(dead, tmp_path, time.monotonic(), slot=0)

    kept._supervise()
    kept._socket.close()

    assert kept._next is None and 0 < kept._not_before - time.monotonic() <= launcher.MAX_BACK_OFF


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
