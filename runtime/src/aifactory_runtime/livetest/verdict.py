"""What follows from a live test: what is known of it in, the verdict out. No I/O, so it can be proven.

Looked at only when a period closes. The champion stays unless labels prove that the challenger is better; a guard
or a proxy metric can end a test early, never win it. A test that does not run as it was stated is held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from aifactory_runtime.livetest import evidence, units
from aifactory_runtime.livetest.units import Requests

MOST_UNPAIRED = 0.01
SPLIT_ALPHA = 0.001
"""The chance that a test whose split is as stated is held for its split."""
Array = np.ndarray[Any, Any]


class Verdict(StrEnum):
    """What is done next."""

    WAIT = "go on"
    HOLD = "hold"
    PROMOTE = "promote the challenger"
    WITHDRAW = "withdraw the challenger"
    KEEP = "keep the champion"


class Labels(StrEnum):
    """Which requests get a label."""

    ALL = "all"
    """Whichever model answered: both models' losses are known on the same row."""
    AFFECTED = "affected"
    """Only what was acted upon: the loss of the model that answered."""


@dataclass(frozen=True)
class Rules:
    """How a test was stated when it began; none of it changes while it runs. Times are in seconds."""

    share: float
    """Of keys that the challenger answers, from 0 (shadow) to 1."""
    period: float
    """A whole rhythm of the traffic, such as a day or a week."""
    wait: float
    """The time a label has."""
    longest: float
    """After so long without proof the champion stays."""
    labels: Labels = Labels.ALL
    alpha: float = evidence.ALPHA

    def __post_init__(self) -> None:
        """ValueError for rules by which no test can run."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}: it lies from 0 to 1")
        if self.labels is Labels.AFFECTED and not 0 < self.share < 1:
            raise ValueError(
                f"share is {self.share}: where only what was acted upon has a label, both models answer some"
            )
        if not (self.period > 0 and self.wait >= 0 and self.longest >= self.period):
            raise ValueError("period is above 0, wait not below 0, longest at least a period")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is {self.alpha}: it lies between 0 and 1")


@dataclass(frozen=True)
class Guard:
    """A proxy metric or KPI: how much worse the challenger is, as an interval, and how much was allowed beforehand."""

    name: str
    worse_by: tuple[float, float]
    margin: float

    @property
    def broken(self) -> bool:
        """Whether it is worse beyond its margin, chance taken out."""
        return self.worse_by[0] > self.margin


@dataclass(frozen=True)
class Unjudged:
    """A proxy metric or KPI of which nobody can say how much worse it is, and why, in words for people."""

    name: str
    why: str


@dataclass(frozen=True)
class Finding:
    """A verdict and what it rests on."""

    verdict: Verdict
    why: str
    periods: int = 0
    units: int = 0
    log_fortune: float = 0.0
    """Natural logarithm of what a stake of 1 on the challenger has become; promotion is at -log(alpha)."""
    interval: tuple[float, float] = (-1.0, 1.0)
    """How much lower the challenger's loss is, on average."""
    guards: tuple[Guard, ...] = ()
    """What was looked at beside the loss."""
    unjudged: tuple[Unjudged, ...] = ()
    """What was to be looked at beside it, and could not."""


def of(rules: Rules, requests: Requests, now: float, watched: Sequence[Guard | Unjudged] = ()) -> Finding:
    """The verdict `now`, in seconds since the test began; `watched` is what was looked at beside the loss."""
    guards = tuple(one for one in watched if isinstance(one, Guard))
    closed = units.closed_periods(min(now, rules.longest + rules.wait), rules.period, rules.wait)
    unjudged = tuple(one for one in watched if isinstance(one, Unjudged))
    found = replace(_proof(rules, requests, closed), guards=guards, unjudged=unjudged)
    broken = next((guard for guard in guards if guard.broken), None)
    if broken:
        return _with(found, Verdict.WITHDRAW, f"{broken.name} is worse by more than {broken.margin:g}")
    if held := _held(rules, requests, now):
        return _with(found, Verdict.HOLD, held)
    if found.verdict is not Verdict.WAIT or now < rules.longest + rules.wait:
        return found
    return _with(found, Verdict.KEEP, "the longest time of the test is over and no proof was found")


def _proof(rules: Rules, requests: Requests, closed: int) -> Finding:
    """What was proven first, looking at the end of each closed period."""
    needed = math.log(1 / rules.alpha)
    found, all_units = Finding(Verdict.WAIT, "no period has closed yet"), np.empty(0)
    for periods, of_period in enumerate(_units(rules, requests, closed), start=1):
        all_units = np.concatenate([all_units, of_period])
        better, worse = evidence.log_fortune(all_units), evidence.log_fortune(-all_units)
        found = Finding(Verdict.WAIT, "the labels prove nothing yet", periods, len(all_units), better)
        if better >= needed:
            found = _with(found, Verdict.PROMOTE, "its loss is lower, and chance does not explain it")
        elif worse >= needed:
            found = _with(found, Verdict.WITHDRAW, "its loss is higher, and chance does not explain it")
        if found.verdict is not Verdict.WAIT:
            break
    return replace(found, interval=evidence.interval(all_units, rules.alpha))


def seen(rules: Rules, requests: Requests, closed: int) -> Array:
    """The units of so many closed periods."""
    return np.concatenate([np.empty(0), *_units(rules, requests, closed)])


def _units(rules: Rules, requests: Requests, closed: int) -> Iterator[Array]:
    """Those of each closed period; no later request changes them."""
    counted = units.counted(requests, closed * rules.period, rules.wait)
    for period in range(closed):
        held = counted.at(counted.asked // rules.period == period)
        yield units.paired(held) if rules.labels is Labels.ALL else units.blocks(held, rules.share)


def _held(rules: Rules, requests: Requests, now: float) -> str | None:
    """Why the test does not run as it was stated, or None."""
    come = requests.at(requests.asked < now)
    if rules.labels is Labels.ALL:
        scored = come.at(come.labelled - come.asked <= rules.wait)
        if (share := units.unpaired_share(scored)) > MOST_UNPAIRED:
            return f"{share:.1%} of the labelled rows were scored by one model only, {MOST_UNPAIRED:.0%} is allowed"
    keys = come.at(np.sort(np.unique(come.keys, return_index=True)[1]))
    answered = keys.challenger.astype(np.float64)
    low, high = evidence.interval(answered - rules.share, SPLIT_ALPHA)
    if len(keys) and not low <= 0 <= high:
        return f"the challenger answers {answered.mean():.1%} of {len(keys):,} keys, {rules.share:.1%} was stated"
    return None


def _with(found: Finding, verdict: Verdict, why: str) -> Finding:
    return replace(found, verdict=verdict, why=why)
