"""Whatever bytes come over a socket, and however slowly: parser and service answer or close, and stay up and small."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fixtures import bad_requests
from tests.fixtures.bad_requests import NUMBERS, PATHS, Address, statuses
from tests.unit.runtime.serving.test_app import TOKEN, Setting
from tests.unit.runtime.serving_parts import ROW, listening

pytestmark = pytest.mark.slow

CASES = 1_000
SEED = 2026
MOST_KB = 64 * 1024
request = bad_requests.requests_of(TOKEN)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The service with a real model, behind the protocol that workers have."""
    with listening(Setting(tmp_path_factory.mktemp("service")).client.app) as made:
        yield made


def test_figure_6_given_a_thousand_spoilt_requests_when_sent_then_no_5xx_and_the_service_goes_on(
    address: Address,
) -> None:
    good = [request(json.dumps({"rows": [ROW]}).encode(), path) for path in PATHS]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen: Counter[int] = Counter()
    cases = bad_requests.cases(request, ROW, CASES, SEED)
    with ThreadPoolExecutor(32) as callers:
        for found in callers.map(lambda case: statuses(address, case), cases):
            seen.update(found)

    assert {status for status in seen if status >= 500} == set(), seen
    assert {400, 401, 404, 422} <= set(seen), seen
    assert [statuses(address, one)[0] for one in good] == [200, 422, 200], "/invocations takes no rows under this key"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= MOST_KB


@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize("path", PATHS)
def test_figure_6_given_numbers_that_are_none_or_huge_when_sent_then_422(
    address: Address, path: bytes, value: bytes
) -> None:
    key = "dataframe_records" if path == b"/invocations" else "rows"
    body = json.dumps({key: [ROW]}).encode().replace(b"1000.5", value)
    assert statuses(address, request(body, path)) == [422]


@pytest.mark.parametrize("chunked", [False, True])
def test_figure_6_given_160_mib_when_sent_then_413_and_memory_stays(address: Address, chunked: bool) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    parts = bad_requests.huge(request, 160, chunked=chunked)
    assert statuses(address, *parts) == [413]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= MOST_KB


def test_fault_36_given_300_slow_callers_when_others_ask_then_each_is_answered(address: Address) -> None:
    good = request(json.dumps({"rows": [ROW]}).encode(), b"/predict")
    slow = [good[:20], good[:-10], good.replace(b"Connection: close\r\n", b"") * 3]
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(socket.create_connection(address)) for _ in range(300)]
        for number, connection in enumerate(connections):
            connection.sendall(slow[number % 3])  # half a head, half a body, or some requests and no answer is read
        with ThreadPoolExecutor(4) as others:
            found = list(others.map(lambda _: statuses(address, good, patience=60), range(40)))
        rest = [(connection, good[20:]) for connection in connections[::3]]
        rest += [(connection, good[-10:]) for connection in connections[1::3]]
        for connection, part in rest:
            connection.sendall(part)
        late = [connection.recv(12) for connection, _ in rest]

    assert found == [[200]] * 40
    assert late == [b"HTTP/1.1 200"] * 200, "they are answered too, once they have sent all"
