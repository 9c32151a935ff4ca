"""The callers of the loop's demo: each request that is not answered with predictions is counted, labels follow."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd
import pytest

from demo import flights
from demo.flights import Flights
from demo.traffic import Pace, Row, Traffic

PACE = Pace(requests_a_second=200, rows=2, label_after=0.05)
ROWS: list[Row] = [({"temp": 50.0}, True), ({"temp": None}, False)]


class Service(ThreadingHTTPServer):
    """Answers as a scoring service does, until it is told to fail; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.holds_up = threading.Semaphore(0)
        """So many requests are held up until the service ends."""
        self.ends = threading.Event()
        self.sent: list[tuple[str, Any, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append((self.path, body, self.headers["Authorization"]))
        if self.path == "/predict" and self.server.holds_up.acquire(blocking=False):
            self.server.ends.wait()
        ids = [str(number) for number, _ in enumerate(body.get("rows", []))]
        answer = json.dumps({"prediction_ids": ids, "model_version": "7"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.ends.set()
        found.shutdown()
        thread.join()


def wait(until: Callable[[], object]) -> None:
    limit = time.monotonic() + 30
    while not until():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_given_traffic_when_a_service_fails_for_a_while_then_each_failure_is_counted_and_answers_get_their_labels(
    service: Service,
) -> None:
    address = f"http://127.0.0.1:{service.server_port}"
    with Traffic(address, "secret", itertools.cycle(ROWS), PACE) as traffic:
        wait(lambda: traffic.labelled)
        assert (traffic.failures, set(traffic.versions)) == ([], {"7"})
        service.status = 503
        wait(lambda: traffic.failures)
        service.status = 200
        answered = traffic.answered
        wait(lambda: traffic.answered > answered)
        traffic.send(itertools.cycle([({"temp": 1.0}, True)]))
        wait(lambda: any(body.get("rows") == [{"temp": 1.0}] * 2 for _, body, _ in service.sent))
    assert any("503" in failure for failure in traffic.failures)
    assert traffic.requests == traffic.answered + len(traffic.failures)
    labels = [body["labels"] for path, body, _ in service.sent if path == "/feedback"]
    assert {"prediction_id": "0", "label": True} in labels[0] and {"prediction_id": "1", "label": False} in labels[0]
    assert {token for *_, token in service.sent} == {"Bearer secret"}


def test_given_a_request_that_is_held_up_when_others_ask_then_they_are_answered(service: Service) -> None:
    service.holds_up.release()
    with Traffic(f"http://127.0.0.1:{service.server_port}", "secret", itertools.cycle(ROWS), PACE) as traffic:
        wait(lambda: traffic.answered > 10)
        assert len([path for path, *_ in service.sent if path == "/predict"]) > traffic.answered
        service.ends.set()
    assert traffic.failures == []


def test_given_a_service_that_is_not_there_when_asked_then_the_request_failed() -> None:
    with Traffic("http://127.0.0.1:9", "secret", itertools.cycle(ROWS), PACE) as traffic:
        wait(lambda: traffic.failures)
    assert traffic.answered == 0


def test_given_flights_when_asked_then_rows_have_no_target_no_gaps_and_another_unit_is_another_number() -> None:
    part = pd.DataFrame({"origin": ["JFK", "EWR"], "temp": [50.0, None], "late": [True, False]})
    known = Flights("late", part, part, part)
    first = list(itertools.islice(known.asked(part, 1), 4))
    assert sorted((row["origin"], row["temp"], label) for row, label in first[:2] if row["temp"]) == [
        ("JFK", 50.0, True)
    ]
    assert ({"origin": "EWR", "temp": None}, False) in first and first[:2] == first[2:]
    assert len(known.with_newer()) == 4
    assert [row["temp"] for row, _ in itertools.islice(flights.in_kelvin(iter(ROWS)), 2)] == [283.15, None]
