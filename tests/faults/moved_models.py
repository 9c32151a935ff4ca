"""Figures 1 and 2: models are swapped, rolled back and released with other code under load; no request may fail."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from aifactory_runtime.serving.document import Document, ServingFolder
from tests.faults import served
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures.load import Load
from tests.unit.runtime.environments import Environments

_SWAPS = "0 failed at 200 a second or more"
_RESTARTS = "0 failed, drained within 10 s, new version confirmed"
_DRAIN_SECONDS = 10.0
_BETWEEN_SECONDS = 1.0
_MOST_SECONDS = 120.0


def swaps(requests: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 1: as many requests while models of one code are swapped, and as many while releases are rolled back."""
    with served.serving(folder) as places:

        def swapped(_: Random) -> Trial:
            swapping = _Swapping(places)
            load = served.under_load(places, requests, swapping.swap)
            problems = served.problems_of(load, requests)
            seen = (
                f"{len(load.failed())} failed of {len(load.asked):,} at {load.per_second:.0f}/s, {swapping.count} swaps"
            )
            return Trial("models of one code are swapped", 0.0, tuple(problems), seen)

        def rolled_back(_: Random) -> Trial:
            moving = _Moving(places, 1)
            load = served.under_load(places, requests, moving.move)
            problems = [*moving.problems, *served.problems_of(load, requests)]
            seen = f"{len(load.failed())} failed of {len(load.asked):,}, {moving.count} rollbacks and releases"
            return Trial("rolled back and released again", moving.longest, tuple(problems), seen)

        found = Figure(1, f"swaps and rollbacks, {requests:,} requests each", _SWAPS, seed)
        return figure(found, [swapped, rolled_back], say)


def restarts(requests: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 2: as many requests while two workers are replaced by two of other code, again and again."""
    with served.serving(folder, workers=2) as places:

        def restarted(_: Random) -> Trial:
            moving = _Moving(places, 2)
            load = served.under_load(places, requests, moving.move)
            problems = [*moving.problems, *served.problems_of(load, requests)]
            failed = f"{len(load.failed())} failed of {len(load.asked):,}"
            seen = f"{failed}, {moving.count} restarts, drained in {moving.longest:.1f} s at most"
            return Trial("two workers replaced", moving.longest, tuple(problems), seen)

        found = Figure(2, f"rolling restarts, {requests:,} requests", _RESTARTS, seed, _DRAIN_SECONDS)
        return figure(found, [restarted], say)


class _Swapping:
    """Names one model and then the other in serving.json, as release does where the code is the same."""

    def __init__(self, places: Environments) -> None:
        self._places, self._folder = places, ServingFolder(places.serving(served.PLACE))
        self._models = [places.served(served.PLACE, number) for number in (1, 2)]
        self.count = 0

    def swap(self, _: Load) -> None:
        before = self._folder.read()
        assert before is not None
        model = self._models[self.count % 2]
        self._folder.write(Document(before.sequence + 1, model))
        self._places.wait(served.PLACE, model.version)
        self.count += 1


class _Moving:
    """Rolls version 2 back and releases it again, each with the code that it was trained with."""

    def __init__(self, places: Environments, workers: int) -> None:
        self._places, self._workers = places, workers
        self.count, self.longest, self.problems = 0, 0.0, list[str]()
        """`longest`: seconds from the first answer of a new version until all workers of the old one have ended."""

    def move(self, asking: Load) -> None:
        """There or back, whichever is next, to its end."""
        before = self._places.workers(served.PLACE, self._workers)
        back = self.count % 2 == 0
        words = ("rollback", "--env", served.PLACE) if back else ("release", "--to", served.PLACE, "--version", "2")
        began = time.monotonic()
        with ThreadPoolExecutor(1) as watching:
            left = watching.submit(_left, before)
            done = self._places.run(*words)
        if done.returncode:
            self.problems.append(f"{words[0]} ends with {done.returncode}: {done.stderr.strip()[-200:]}")
        self._confirm(asking, "1" if back else "2", began, left.result())
        self.count += 1
        time.sleep(_BETWEEN_SECONDS)

    def _confirm(self, asking: Load, version: str, began: float, left: float) -> None:
        """The new version answers, also who asks now, and the old workers ended soon after it first did."""
        answered = self._places.predict(served.PLACE)[1].get("model_version")
        first = [one.ended for one in list(asking.asked) if one.began >= began and served.is_of(one, version)]
        if answered != version:
            self.problems.append(f"version {answered} answers, not {version}")
        self.longest = max(self.longest, left - min(first, default=left))


def _left(workers: list[int]) -> float:
    """When the last of these processes had ended."""
    until = time.monotonic() + _MOST_SECONDS
    while not all(map(served.gone, workers)) and time.monotonic() < until:
        time.sleep(0.02)
    return time.monotonic()
