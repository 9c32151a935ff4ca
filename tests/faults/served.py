"""A use case's real service under its real launcher, for the figures of serving: versions 1 and 2, load, restarts."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fixtures import load, prediction_log
from tests.fixtures.load import Asked, Load
from tests.unit.runtime.environments import ROW, TOKEN, Environments

PLACE = "staging"
RATE = 200.0
"""Requests a second that the figures ask for."""
_SLACK = 0.98
"""Part of the rate that has to be seen: the last request ends a little after it was due."""


@contextmanager
def serving(folder: Path, workers: int = 1) -> Iterator[Environments]:
    """Staging serves version 1 and then 2, of another commit; both were released there."""
    made = Environments(folder)
    made.start(PLACE, workers=workers)
    try:
        for strength in (1.0, 0.5):
            made.change_settings(strength)
            made.train()
            made.release(PLACE)
        made.workers(PLACE, workers)
        yield made
    finally:
        made.stop()


def restart(places: Environments, workers: int = 1) -> list[int]:
    """End the launcher and start it again, as supervisor would; the workers, once they are ready."""
    places.stop()
    places.launchers.clear()
    places.start(PLACE, workers=workers)
    return places.workers(PLACE, workers)


def predict(_number: int = 0) -> bytes:
    """A request of one row."""
    return load.post("/predict", {"rows": [ROW]}, {"Authorization": f"Bearer {TOKEN}"})


def load_on(places: Environments, count: int | None = None, rate: float | None = RATE, connections: int = 8) -> Load:
    """Requests of one row on staging."""
    one = predict()
    return Load(places.ports[PLACE], lambda _: one, count=count, rate=rate, connections=connections)


def under_load(places: Environments, count: int, act: Callable[[Load], None]) -> Load:
    """`act` again and again until `count` requests are answered."""
    with load_on(places, count) as running:
        while running.running():
            act(running)
        running.wait()
    return running


def problems_of(running: Load, count: int) -> list[str]:
    """What did not hold of a load during which no request may fail."""
    found = load.told(running.failed())
    if len(running.asked) != count:
        found.append(f"{len(running.asked)} of {count} requests were sent")
    if running.per_second < RATE * _SLACK:
        found.append(f"{running.per_second:.0f} requests a second, not {RATE:.0f}")
    return found


def is_of(one: Asked, version: str) -> bool:
    """Whether that version of the model answered."""
    return b'"model_version":"%s"' % version.encode() in one.said


def acknowledged(asked: Sequence[Asked]) -> set[str]:
    """Ids of predictions that callers were given."""
    return {given for one in asked if one.status == 200 for given in json.loads(one.said)["prediction_ids"]}


def captured(places: Environments) -> list[dict[str, Any]]:
    """The lines of staging's prediction log; ValueError when one is torn."""
    found = prediction_log.text(places.home / PLACE / "demo-case" / "capture")
    return [json.loads(line) for line in found.splitlines()]


def kill(pid: int) -> float:
    """Kill -9, and when."""
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def ended(pid: int) -> float:
    """When a killed process has ended, its connections with it: what it had in hand until then is cut."""
    while not (gone(pid) and _threads(pid) <= 1):  # the last thread closes the connections
        time.sleep(0.001)
    return time.monotonic()


def _threads(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return 0


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return True
