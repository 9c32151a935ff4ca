"""Callers of a scoring service, all the time: rows are sent at a steady pace, and what came true follows as labels."""

from __future__ import annotations

import collections
import http.client
import itertools
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OK = 200
_TIMEOUT_SECONDS = 30.0
_LATE_SECONDS = 1.0
_CALLERS = 4
"""So many wait for an answer at the same time: one that is slow holds up nobody else."""

Row = tuple[Mapping[str, Any], Any]
"""What is asked, and what comes true."""


@dataclass(frozen=True)
class Pace:
    """How requests come: so many a second, each with so many rows, and their labels so many seconds later."""

    requests_a_second: float = 50.0
    rows: int = 4
    label_after: float = 0.5


class Traffic:
    """Callers with a token, each in a thread of its own, until they are stopped."""

    def __init__(self, address: str, token: str, rows: Iterator[Row], pace: Pace | None = None) -> None:
        """They send `rows` one after another, in no order between them."""
        self._host = urllib.parse.urlsplit(address).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._rows = rows
        self.pace = pace or Pace()
        """How requests come from now on."""
        self._waiting: collections.deque[tuple[float, Sequence[str], Sequence[Any]]] = collections.deque()
        self._ended = threading.Event()
        self._turn = threading.Lock()
        loops = (*(self._ask,) * _CALLERS, self._label)
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        self.answered = 0
        """Requests that were answered with predictions."""
        self.predictions = 0
        """Rows of these requests."""
        self.labelled = 0
        """Labels that the service took."""
        self.versions: collections.Counter[str] = collections.Counter()
        """Answers by version of the model."""
        self.failures: list[str] = []
        """What was not answered with predictions, or not taken as labels, and why."""
        self.slowest = 0.0
        """Seconds of the request that took longest."""

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS)

    def send(self, rows: Iterator[Row]) -> None:
        """From now on send these rows."""
        self._rows = rows

    @property
    def requests(self) -> int:
        """How many were sent and came to an end."""
        return self.answered + len(self.failures)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=_TIMEOUT_SECONDS)
        due = time.monotonic()
        while not self._ended.is_set():
            with self._turn:
                taken = list(itertools.islice(self._rows, self.pace.rows))
            began = time.monotonic()
            answer = self._post(connection, "/predict", {"rows": [row for row, _ in taken]})
            with self._turn:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if answer is not None:
                    self._note(answer, [label for _, label in taken])
            due = max(due + _CALLERS / self.pace.requests_a_second, time.monotonic() - _LATE_SECONDS)
            self._ended.wait(max(0.0, due - time.monotonic()))

    def _note(self, answer: Mapping[str, Any], labels: Sequence[Any]) -> None:
        self.answered += 1
        self.predictions += len(labels)
        self.versions[str(answer["model_version"])] += 1
        self._waiting.append((time.monotonic() + self.pace.label_after, answer["prediction_ids"], labels))

    def _label(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=_TIMEOUT_SECONDS)
        while not self._ended.wait(0.1):
            found: list[dict[str, Any]] = []
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, ids, labels = self._waiting.popleft()
                found += [{"prediction_id": one, "label": label} for one, label in zip(ids, labels, strict=True)]
            if found and self._post(connection, "/feedback", {"labels": found}) is not None:
                self.labelled += len(found)

    def _post(self, connection: http.client.HTTPConnection, path: str, body: object) -> dict[str, Any] | None:
        """The answer; None when it is none of predictions or labels taken, which counts as failed."""
        try:
            connection.request("POST", path, json.dumps(body), self._headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.failures.append(f"{path}: {type(error).__name__}: {error}")
            return None
        if answer.status != OK:
            self.failures.append(f"{path}: {answer.status}: {said[:200].decode(errors='replace')}")
            return None
        found: dict[str, Any] = json.loads(said)
        return found
