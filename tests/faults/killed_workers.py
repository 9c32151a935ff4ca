"""Figures 3 and 4: workers are killed under load; how long nobody answers, and whether an answer is without record."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.faults import served
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import load
from tests.fixtures.load import Load
from tests.unit.runtime.environments import Environments

_OUTAGE = "outage of 5 s at most with one worker, 0 failures with two"
_RECORDS = "acknowledged predictions minus captured ones = 0"
_OUTAGE_SECONDS = 5.0
_WAIT_SECONDS = 60.0
_FULL_SECONDS = 2.0
_ROOM = 150
"""Bytes that a full disk still takes: less than a line, so that a write is cut short."""


def outages(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 3: `kills` with one worker, and as many with two; each begins with a launcher that has seen no death.

    With two, no request sent after the worker has ended may fail; what it had in hand is cut, and counted.
    """
    found = Figure(3, f"{kills} kills of a worker with one, {kills} with two", _OUTAGE, seed, _OUTAGE_SECONDS)
    for workers in (1, 2):
        with served.serving(folder / str(workers), workers) as places:
            figure(found, [_outage(places, workers)] * kills, say)
    longest = max(trial.seconds for trial in found.trials[:kills])
    failed, cut = (sum(_counted(trial)[place] for trial in found.trials[kills:]) for place in (0, 1))
    return replace(found, said=f"longest outage {longest:.1f} s with one; {failed} failed with two, {cut} cut in hand")


def _counted(trial: Trial) -> tuple[int, int]:
    failed, cut = trial.seen.split(", ")
    return int(failed.partition(" ")[0]), int(cut.partition(" ")[0])


def _outage(places: Environments, workers: int) -> Callable[[Random], Trial]:
    def trial(random: Random) -> Trial:
        running = served.restart(places, workers)
        with served.load_on(places) as asking:
            time.sleep(random.uniform(0.2, 1.0))
            victim = random.choice(running)
            killed, ended = served.kill(victim), served.ended(victim)
            seconds = _until_answered(asking, killed)
            places.workers(served.PLACE, workers)
        what = f"one of {workers} killed"
        cut = [one for one in asking.failed() if one.began < ended]
        failed = asking.failed(since=ended)
        if workers == 1:
            return Trial(what, seconds)
        seen = f"{len(failed)} failed, {len(cut)} cut in hand"
        return Trial(what, seconds, tuple(load.told(failed)), seen)

    return trial


def _until_answered(asking: Load, killed: float) -> float:
    """Seconds from the kill until the first answer to a request that began after it."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        ended = [one.ended for one in list(asking.asked) if one.began >= killed and one.status == 200]
        if ended:
            return min(ended) - killed
        time.sleep(0.01)
    return _WAIT_SECONDS


def records(kills: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 4: `kills` of a worker, every second time of its launcher too, then a disk that takes half a line."""
    found = Figure(4, f"{kills} kills and a full disk", _RECORDS, seed)
    with served.serving(folder) as places:

        def killed(random: Random) -> Trial:
            (worker,) = served.restart(places)
            launcher = places.launchers[served.PLACE]
            with served.load_on(places) as asking:
                time.sleep(random.uniform(0.2, 1.5))
                with_launcher = random.random() < 0.5
                if with_launcher:
                    launcher.kill()
                served.kill(worker)
                if with_launcher:
                    launcher.wait()
                    places.start(served.PLACE)
                places.worker(served.PLACE)
                time.sleep(0.5)
            return _missing(places, asking, "worker and launcher killed" if with_launcher else "worker killed")

        def full(_: Random) -> Trial:
            (worker,) = served.restart(places)
            with served.load_on(places) as asking:
                time.sleep(_FULL_SECONDS)
                limit = _log(places).stat().st_size + _ROOM
                before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
                time.sleep(_FULL_SECONDS)
                resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
                room = time.monotonic()
                time.sleep(_FULL_SECONDS)
            done = _missing(places, asking, "disk full for a while")
            refused = {one.status for one in asking.failed()}
            problems = [*done.problems, *load.told(asking.failed(since=room))]
            if refused != {503}:
                problems.append(f"a full disk is answered by {sorted(refused)}, not by 503")
            return Trial(done.what, 0.0, tuple(problems), f"{done.seen} and {len(asking.failed())} answered by 503")

        figure(found, [*[killed] * kills, full], say)
    given = sum(int(trial.seen.split(" ")[0]) for trial in found.trials)
    kept = sum(int(trial.seen.split(" ")[2]) for trial in found.trials)
    return replace(found, said=f"{given:,} - {kept:,} = {given - kept}")


def _log(places: Environments) -> Path:
    """The file that is written to."""
    folder = places.home / served.PLACE / "demo-case" / "capture"
    return max(folder.glob("predictions-*.jsonl"))


def _missing(places: Environments, asking: Load, what: str) -> Trial:
    """A trial that holds when all that callers were given is recorded, once and in order."""
    given, lines = served.acknowledged(asking.asked), served.captured(places)
    missing = given - {line["id"] for line in lines}
    problems = [f"{len(missing)} predictions were given and not recorded"] if missing else []
    if [line["sequence"] for line in lines] != list(range(1, len(lines) + 1)):
        problems.append("a sequence is missing or there twice")
    if not given:
        problems.append("nothing was answered")
    return Trial(what, 0.0, tuple(problems), f"{len(given)} - {len(given) - len(missing)}")
