"""Figure 6 over a socket: whatever bytes come, the parser and the service answer or close, and stay up and small."""

from __future__ import annotations

import contextlib
import json
import random
import re
import resource
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

from aifactory_runtime.serving import server
from tests.unit.runtime.serving.test_app import TOKEN, Setting
from tests.unit.runtime.serving_parts import ROW

pytestmark = pytest.mark.slow

CASES = 1_000
SEED = 2026
MOST_KB = 64 * 1024
PATIENCE = 3.0
PATHS = (b"/predict", b"/invocations", b"/explain")
Address = tuple[str, int]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The service with a real model, behind the protocol that workers have."""
    listener = server.listen(0, "127.0.0.1")
    app = Setting(tmp_path_factory.mktemp("service")).client.app
    made = uvicorn.Server(
        uvicorn.Config(app, http=server.BoundedProtocol, log_level="critical", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=made.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    made.should_exit = True
    thread.join(30)


def request(body: bytes, path: bytes = b"/predict") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
    return head % (path, TOKEN.encode()) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def statuses(address: Address, *parts: bytes) -> list[int]:
    """Statuses of what comes back until the connection is closed; none when it is closed without a word.

    A service that waits for more is told after a while that nothing comes.
    """
    found = b""
    with socket.create_connection(address, timeout=PATIENCE) as connection, contextlib.suppress(OSError):
        for part in parts:
            connection.sendall(part)
        try:
            found += connection.recv(65_536)
        except TimeoutError:
            connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            found += part
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", found)]


def spoilt(draw: random.Random, good: bytes) -> bytes:
    """A request with some bytes changed, left out, doubled or added, or with the end of its head put elsewhere."""
    made = bytearray(good)
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(made))
        end = min(len(made), start + draw.choice([1, 1, 2, 8, 64]))
        kind = draw.randrange(5)
        if kind == 0:
            made[start:end] = draw.randbytes(end - start)
        elif kind == 1:
            del made[start:end]
        elif kind == 2:
            made[start:start] = made[start:end]
        elif kind == 3:
            made[start:start] = draw.choice([b"\r\n", b"\r\n\r\n", b"\x00", b"1e999", b"NaN", b"-", b'"', b"{[" * 50])
        else:
            made[start:start] = draw.randbytes(draw.choice([1, 10, 1000]))
        made = made or bytearray(b"x")
    return bytes(made)


def test_figure_6_given_a_thousand_spoilt_requests_when_sent_then_no_5xx_and_the_service_goes_on(
    address: Address,
) -> None:
    draw = random.Random(SEED)  # noqa: S311 - the same cases each time
    good = [request(json.dumps({"rows": [ROW]}).encode(), path) for path in PATHS]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen: Counter[int] = Counter()
    cases = [spoilt(draw, good[number % len(good)]) for number in range(CASES)]
    with ThreadPoolExecutor(32) as callers:
        for found in callers.map(lambda case: statuses(address, case), cases):
            seen.update(found)

    assert {status for status in seen if status >= 500} == set(), seen
    assert {400, 401, 404, 422} <= set(seen), seen
    assert [statuses(address, one)[0] for one in good] == [200, 422, 200], "/invocations takes no rows under this key"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= MOST_KB


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"1e308", b"1e999", b"1" * 5_000, b"-1e308"])
@pytest.mark.parametrize("path", PATHS)
def test_figure_6_given_numbers_that_are_none_or_huge_when_sent_then_422(
    address: Address, path: bytes, value: bytes
) -> None:
    key = "dataframe_records" if path == b"/invocations" else "rows"
    body = json.dumps({key: [ROW]}).encode().replace(b"1000.5", value)
    assert statuses(address, request(body, path)) == [422]


@pytest.mark.parametrize("chunked", [False, True])
def test_figure_6_given_160_mib_when_sent_then_413_and_memory_stays(address: Address, chunked: bool) -> None:
    part, count = b"x" * (1 << 20), 160
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if chunked:
        head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        parts = [head, *[b"%x\r\n" % len(part) + part + b"\r\n"] * count, b"0\r\n\r\n"]
    else:
        head = request(b"").replace(b"Content-Length: 0", b"Content-Length: %d" % (len(part) * count))
        parts = [head, *[part] * count]
    assert statuses(address, *parts) == [413]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= MOST_KB
