"""What a live test costs: requests a second and the slowest answers, with a challenger beside it and without."""

from __future__ import annotations

import shutil
import statistics
import time
from pathlib import Path

from measure import CHECKOUT, Row
from serving import per_second

from tests.faults import taken_back
from tests.fixtures import load
from tests.fixtures.load import Load
from tests.unit.runtime.environments import Environments

ROUNDS, SECONDS, RATE = 3, 6.0, 100.0
LEAST, SLOWER = 0.5, 2.0


def measure(work: Path) -> list[Row]:
    """Two rows: a test in which the challenger has a tenth of the keys, and each row is scored by both models."""
    folder = work / "live-test"
    shutil.rmtree(folder, ignore_errors=True)
    rates, slowest = list[tuple[float, float]](), list[tuple[float, float]]()
    with taken_back.on_trial(folder) as places:
        for _ in range(ROUNDS):
            places.release("prod", "--version", "2")
            with_test = _look(places)
            places.run("livetest", "--env", "prod", "--withdraw", "measured")
            without = _look(places)
            rates.append((with_test[0], without[0]))
            slowest.append((with_test[1], without[1]))
    on, off = (statistics.median(pair[place] for pair in rates) for place in (0, 1))
    late, usual = (statistics.median(pair[place] * 1000 for pair in slowest) for place in (0, 1))
    said = f"{on:,.0f} against {off:,.0f} a second"
    against = "the same without a test"
    return [
        Row(
            "requests a second in a live test",
            against,
            f"{LEAST:g}x or more",
            f"{on / off:.2f}x",
            on >= LEAST * off,
            said,
        ),
        Row(
            f"p99 in a live test, {RATE:g} requests a second",
            against,
            f"{SLOWER:g}x or less",
            f"{late / usual:.2f}x",
            late <= SLOWER * usual,
            f"{late:.1f} ms against {usual:.1f} ms",
        ),
    ]


def _look(places: Environments) -> tuple[float, float]:
    """Requests a second, and seconds of the 99th percentile."""
    port = places.ports["prod"]
    time.sleep(2)  # all workers have seen the change
    rate = per_second(port, taken_back.of_customer, SECONDS)
    with Load(port, taken_back.of_customer, rate=RATE, count=round(RATE * SECONDS)) as asking:
        asking.wait()
    return rate, load.share(asking.asked, 0.99)


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
