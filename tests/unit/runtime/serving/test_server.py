"""The listening socket of a service that no launcher started."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from aifactory_runtime.serving import server


def test_given_a_connection_when_accepted_then_it_sends_without_delay() -> None:
    with server.listen(0, "127.0.0.1") as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            delay_off = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert delay_off == 1


HEAD = b"POST / HTTP/1.1\r\nhost: here\r\n"
LONG = b"x-long: " + b"a" * 1_000 + b"\r\n"


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A service that answers with the length of each body, until the test is over."""
    listener = server.listen(0, "127.0.0.1")
    made = uvicorn.Server(uvicorn.Config(_length, http=server.BoundedProtocol, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=made.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    made.should_exit = True
    thread.join(30)


async def _length(scope: Scope, receive: Receive, send: Send) -> None:
    del scope
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d bytes" % size})


def sent(address: tuple[str, int], *parts: bytes) -> bytes:
    """What comes back until the connection is closed; nothing when that is so soon that the answer is lost."""
    with socket.create_connection(address, timeout=30) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:  # closed on us
                break
        try:
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionResetError:
            return b""


def test_given_headers_that_do_not_end_when_more_than_64_kib_came_then_the_connection_is_closed(
    address: tuple[str, int],
) -> None:
    assert sent(address, HEAD, *[LONG] * 200)[:12] in {b"HTTP/1.1 431", b""}


def test_given_a_header_without_an_end_when_more_than_64_kib_came_then_the_connection_is_closed(
    address: tuple[str, int],
) -> None:
    assert sent(address, HEAD + b"x-long: ", *[b"a" * 1_000] * 200)[:12] in {b"HTTP/1.1 431", b""}


def test_given_large_bodies_on_one_connection_when_sent_after_short_heads_then_each_is_answered(
    address: tuple[str, int],
) -> None:
    body = b"a" * 200_000
    one = HEAD + b"content-length: 200000\r\n\r\n"
    last = HEAD + b"connection: close\r\ncontent-length: 200000\r\n\r\n"
    answer = sent(address, one, body, one, body, last, body)
    assert answer.count(b"200000 bytes") == 3


def test_given_what_is_no_http_when_sent_then_400_and_the_connection_is_closed(address: tuple[str, int]) -> None:
    assert sent(address, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")


@pytest.mark.heavy
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
