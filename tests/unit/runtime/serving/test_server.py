"""The listening socket of a service that no launcher started."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from aifactory_runtime.serving import server


def test_given_a_connection_when_accepted_then_it_sends_without_delay() -> None:
    with server.listen(0, "127.0.0.1") as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            delay_off = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert delay_off == 1


@pytest.mark.parametrize(("number", "by_a_person"), [("SIGINT", "True"), ("SIGTERM", "False")])
def test_given_a_signal_when_the_service_runs_then_it_ends_quietly_and_says_whose_it_was(
    number: str, by_a_person: str
) -> None:
    program = (
        "import contextlib, os, signal\n"
        "from fastapi import FastAPI\n"
        "from aifactory_runtime.serving import server\n"
        "@contextlib.asynccontextmanager\n"
        "async def lifespan(app):\n"
        f"    os.kill(os.getpid(), signal.{number})\n"
        "    yield\n"
        "print(server.run(FastAPI(lifespan=lifespan), server.listen(0, '127.0.0.1'), 0.1, lambda: None))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert (done.stdout, done.stderr) == (f"{by_a_person}\n", "")
