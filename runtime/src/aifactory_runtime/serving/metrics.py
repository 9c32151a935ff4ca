"""What the service counts of itself, for `/metrics`: requests, their time, rows, predictions that were not recorded.

The workers under a launcher share a folder. Each writes the files of its slot, a small number that the launcher gives
to one worker at a time: few files, and the worker that follows a killed one goes on from its counts. The launcher
empties the folder when it starts. A worker without a launcher counts in memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SLOT = "AIFACTORY_SLOT"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus-client, too."""
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PATHS = frozenset(
    {
        "/predict",
        "/invocations",
        "/explain",
        "/feedback",
        "/retrain",
        "/health/live",
        "/health/ready",
        "/ping",
        "/version",
        "/metrics",
    }
)
"""Whatever else is called counts as `other`: labels are bounded, whatever callers send."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one worker, and the sum of all workers as text."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        given = os.environ if variables is None else variables
        self._folder = given.get(FOLDER) if given.get(SLOT) else None
        if self._folder:
            slot = given[SLOT]
            values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "aifactory_requests", "Requests by address and status.", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "aifactory_request_seconds",
            "Time until the answer was sent.",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._rows = Counter("aifactory_rows_scored", "Rows that were scored and recorded.", registry=registry)
        self._not_recorded = Counter(
            "aifactory_not_recorded", "Requests whose predictions could not be recorded.", registry=registry
        )
        self._trial_calls = Counter(
            "aifactory_trial_calls",
            "Calls to the challenger of a live test, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self._trial_dropped = Counter(
            "aifactory_trial_dropped", "Requests that the other model of a live test never scored.", registry=registry
        )
        self._version = Gauge(
            "aifactory_model_version",
            "Version that answers; 0 for none.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        known = path if path in _PATHS else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def scored(self, rows: int) -> None:
        """Count rows whose predictions are recorded."""
        self._rows.inc(rows)

    def not_recorded(self) -> None:
        """Count a request whose predictions the disk did not take."""
        self._not_recorded.inc()

    def trial_called(self, outcome: str) -> None:
        """Count a call to the challenger: `answered`, or why it did not."""
        self._trial_calls.labels(outcome).inc()

    def trial_dropped(self, requests: int = 1) -> None:
        """Count requests that have no score of the other model, as too many waited or the disk did not take it."""
        self._trial_dropped.inc(requests)

    def serves(self, version: str | None) -> None:
        """Say which version answers; one that is no number counts as 0."""
        self._version.set(int(version) if version and version.isdecimal() else 0)

    def text(self) -> bytes:
        """All workers' counts, in Prometheus's text format."""
        if not self._folder:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


class Counted:
    """An application whose answers are counted."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then count; a request that ends without an answer counts as status 0."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.answered(scope["path"], status, time.perf_counter() - began)
