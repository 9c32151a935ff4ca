"""Figures 6 and 7: bad requests, slow callers and as many requests as go, on a real service."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from tests.faults import served
from tests.faults.trials import Figure, Say, Trial, figure
from tests.fixtures import bad_requests, load
from tests.fixtures.bad_requests import statuses
from tests.unit.runtime.environments import ROW, TOKEN, Environments

_SMALL = "no 5xx, memory grows by 64 MB at most"
_FAST = "500 a second or more; p99 50 ms at most at 200 a second, at most doubled by 300 slow callers"
_MOST_MB, _MIB = 64.0, 160
_WARM = 300
_LEAST_PER_SECOND, _MOST_P99 = 500.0, 0.050
_SLOW, _SLOWER = 300, 2.0
_DRIBBLE_SECONDS, _HEAD = 0.5, 10
_SERVER_ERROR = 500


def spoilt(cases: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 6: so many spoilt requests, then numbers that are none or huge, then huge bodies."""
    request = bad_requests.requests_of(TOKEN)
    with served.serving(folder) as places:
        with served.load_on(places, _WARM) as warming:
            warming.wait()
        address = ("127.0.0.1", places.ports[served.PLACE])

        def many(_: Random) -> Trial:
            with _memory(places) as grown, ThreadPoolExecutor(16) as callers:
                made = bad_requests.cases(request, ROW, cases, seed)
                found = [status for said in callers.map(lambda case: statuses(address, case), made) for status in said]
            return _judged(f"{cases:,} spoilt requests", found, grown)

        def numbers(_: Random) -> Trial:
            body = b'{"%s": [{"age": 30, "income": %s, "member": true, "region": "east"}]}'
            keys = {path: b"dataframe_records" if path == b"/invocations" else b"rows" for path in bad_requests.PATHS}
            with _memory(places) as grown:
                found = [
                    status
                    for path, key in keys.items()
                    for value in bad_requests.NUMBERS
                    for status in statuses(address, request(body % (key, value), path))
                ]
            return _judged("numbers that are none or huge", found, grown)

        def huge(_: Random) -> Trial:
            with _memory(places) as grown:
                found = [
                    status
                    for chunked in (False, True)
                    for status in statuses(address, *bad_requests.huge(request, _MIB, chunked=chunked), patience=60)
                ]
            return _judged(f"{_MIB} MiB, its length said and not", found, grown, wanted={413})

        found = Figure(6, f"{cases:,} fuzz cases, NaN, 1e308, {_MIB} MiB", _SMALL, seed)
        return figure(found, [many, numbers, huge], say)


@contextmanager
def _memory(places: Environments) -> Iterator[list[float]]:
    """A list that holds, at the end, by how many MB the most that the worker ever took has grown."""
    worker, grown = places.worker(served.PLACE), list[float]()
    before = _peak_mb(worker)
    yield grown
    grown.append(_peak_mb(worker) - before)


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def _judged(what: str, found: Sequence[int], grown: list[float], wanted: set[int] | None = None) -> Trial:
    counted = Counter(found)
    said = ", ".join(f"{times} x {status}" for status, times in sorted(counted.items()))
    problems = [f"{times} answers are {status}" for status, times in counted.items() if status >= _SERVER_ERROR]
    if grown[0] > _MOST_MB:
        problems.append(f"memory grew by {grown[0]:.0f} MB")
    if not counted or (wanted and set(counted) != wanted):
        problems.append(f"answered by {said or 'nothing'}")
    return Trial(what, 0.0, tuple(problems), f"{said}, +{grown[0]:.0f} MB")


def fast(seconds: int, seed: int, folder: Path, say: Say) -> Figure:
    """Figure 7: so many seconds each of as many requests as go, of 200 a second, and of 200 beside slow callers."""
    with served.serving(folder) as places:
        alone: list[float] = []

        def most(_: Random) -> Trial:
            with served.load_on(places, rate=None) as asking:
                time.sleep(seconds)
            problems = load.told(asking.failed())
            if asking.per_second < _LEAST_PER_SECOND:
                problems.append(f"{asking.per_second:.0f} a second")
            return Trial("as many as go", 0.0, tuple(problems), f"{asking.per_second:.0f} a second")

        def steady(_: Random) -> Trial:
            p99, problems = _p99(places, seconds)
            alone.append(p99)
            if p99 > _MOST_P99:
                problems.append(f"p99 is {p99 * 1000:.0f} ms")
            return Trial("200 a second", 0.0, tuple(problems), f"p99 {p99 * 1000:.1f} ms at 200 a second")

        def beside_slow_ones(_: Random) -> Trial:
            with _slow_callers(places.ports[served.PLACE]):
                p99, problems = _p99(places, seconds)
            times = p99 / alone[0]
            if times > _SLOWER:
                problems.append(f"p99 is {times:.1f} times that without slow callers")
            seen = f"{p99 * 1000:.1f} ms ({times:.1f}x) beside {_SLOW} slow callers"
            return Trial(f"200 a second beside {_SLOW} slow callers", 0.0, tuple(problems), seen)

        found = Figure(7, f"load, {seconds} s each", _FAST, seed)
        return figure(found, [most, steady, beside_slow_ones], say)


def _p99(places: Environments, seconds: int) -> tuple[float, list[str]]:
    with served.load_on(places, round(served.RATE * seconds)) as asking:
        asking.wait()
    return load.share(asking.asked, 0.99), load.told(asking.failed())


@contextmanager
def _slow_callers(port: int) -> Iterator[None]:
    """Callers who send a byte now and then, a third each of a head, of a body, and of one whose answer nobody reads."""
    whole = served.predict()
    body = len(whole.partition(b"\r\n\r\n")[0]) + 4
    ending = threading.Event()
    with ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(_SLOW)]
        for number, connection in enumerate(slow):
            connection.sendall((whole[:_HEAD], whole[: body + 1], whole)[number % 3])

        def dribble() -> None:
            for place in range(len(whole) - body - 2):
                for number, connection in enumerate(slow):
                    start = (_HEAD, body + 1, len(whole))[number % 3] + place
                    connection.sendall(whole[start : start + 1])
                    if ending.wait(_DRIBBLE_SECONDS / _SLOW):  # each at its own moment, as callers who know of no other
                        return

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()
