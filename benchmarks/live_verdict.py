"""The statistics of the loop, simulated with the code that decides: labels until promotion, false alarms of drift."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
from measure import CHECKOUT, Row
from scipy import stats  # type: ignore[import-untyped]

from aifactory_runtime.livetest import verdict
from aifactory_runtime.livetest.verdict import Rules, Verdict
from tests.unit.runtime.livetest.requests import requests
from tests.unit.runtime.monitoring.test_drift import Watch, columns, false_alarms

TESTS, LONGEST = 400, 6_000
ONLY_CHALLENGER, ONLY_CHAMPION = 0.05, 0.02
"""Rows that only one of the two gets right: 0.93 over 0.90 on the same rows, as models of the same data differ."""
MEDIAN = 600
PERIOD = 25
"""Labels between two looks."""
WINDOWS, BOUND = 2_000, 0.01


def measure(work: Path) -> list[Row]:
    """Two rows; nothing is timed, so a busy machine gives the same."""
    del work
    return [_labels(), _false_alarms()]


def _labels() -> Row:
    rules = Rules(share=0.5, period=PERIOD, wait=0, longest=LONGEST)
    found = [_until_promoted(rules, seed) for seed in range(TESTS)]
    needed = sorted(one or LONGEST for one in found)
    median, most = statistics.median(needed), needed[round(0.95 * TESTS)]
    detail = f"95 % of {TESTS:,} tests within {most:,}; {found.count(None)} found nothing in {LONGEST:,}"
    what = "labels until a challenger of 0.93 is promoted over 0.90, paired"
    return Row(what, "", f"median {MEDIAN} or fewer", f"{median:.0f}", median <= MEDIAN, detail)


def _until_promoted(rules: Rules, seed: int) -> int | None:
    """Labels until the promotion; None when it does not come."""
    drawn = np.random.default_rng(seed).random(LONGEST)
    champion = (drawn < ONLY_CHALLENGER).astype(float)
    challenger = ((drawn >= ONLY_CHALLENGER) & (drawn < ONLY_CHALLENGER + ONLY_CHAMPION)).astype(float)
    asked = requests(champion=champion, challenger=challenger, answered=np.arange(LONGEST) % 2 == 0)  # type: ignore[arg-type]
    found = verdict.of(rules, asked, LONGEST)
    return found.units if found.verdict is Verdict.PROMOTE else None


def _false_alarms() -> Row:
    watch = Watch(columns(np.random.default_rng(0), 20_000))
    alarms = false_alarms(watch, WINDOWS)
    upper = float(stats.beta.ppf(0.95, alarms + 1, WINDOWS - alarms))
    what = "false alarms of drift, 2,000 windows of 1,000 x 20 mixed columns"
    return Row(what, "", "upper 95 % bound 1 % or less", f"{upper:.2%}", upper <= BOUND, f"{alarms} alarms")


if __name__ == "__main__":
    for found in measure(CHECKOUT / ".bench"):
        print(found)
