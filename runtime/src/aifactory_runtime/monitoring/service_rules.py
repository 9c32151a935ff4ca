"""What the service did between two looks: whether it answers, its errors, its time, what was not recorded, traffic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aifactory_runtime.config.settings import MonitoringSettings
from aifactory_runtime.monitoring import counts, result
from aifactory_runtime.monitoring.counts import Counts
from aifactory_runtime.monitoring.result import ALARM, Result

ANSWERS, REQUESTS, ERRORS, REFUSED, LATENCY, NOT_RECORDED, TRAFFIC = (
    "answers",
    "requests",
    "errors",
    "refused",
    "latency",
    "not_recorded",
    "traffic",
)
COUNTERS = "counters"
_QUANTILE = 0.99
_NO_REQUESTS = "no requests"


def none() -> list[Result]:
    """There is no service to be asked."""
    return [
        result.without(Result("service", name), "there is no service here")
        for name in (ANSWERS, REQUESTS, ERRORS, REFUSED, LATENCY, NOT_RECORDED)
    ]


def down(reason: str) -> list[Result]:
    """The service does not answer."""
    found = Result("service", ANSWERS, value=0.0, state=ALARM, reason=reason)
    blank = [Result("service", name) for name in (REQUESTS, ERRORS, REFUSED, LATENCY, NOT_RECORDED)]
    return [found, *(result.without(each, reason) for each in blank)]


def up(before: Counts | None, now: Counts, settings: MonitoringSettings) -> list[Result]:
    """What it counted since the look before; at the first look nothing is known but where the counters stand."""
    first = before is None
    new = Counts() if before is None else counts.since(before, now)
    requests = Result("service", REQUESTS, value=new.requests, facts={COUNTERS: counts.to_values(now)})
    blank = {name: Result("service", name) for name in (ERRORS, REFUSED, LATENCY)}
    answers = Result("service", ANSWERS, value=1.0)
    lost = new.not_recorded
    recorded = result.judged(
        Result("service", NOT_RECORDED), lost, 0.0, f"predictions of {lost:.0f} requests could not be recorded"
    )
    if first or not new.requests:
        reason = "the first look" if first else _NO_REQUESTS
        empty = [result.without(each, reason) for each in (requests, *blank.values())]
        return [answers, *empty, result.without(recorded, reason) if first else recorded]
    share, refused = new.errors / new.requests, new.refused / new.requests
    found = [
        answers,
        requests,
        result.judged(blank[ERRORS], share, settings.max_error_share, f"{share:.1%} of {new.requests:.0f} requests"),
        replace(blank[REFUSED], value=refused),
        recorded,
    ]
    slowest = new.quantile(_QUANTILE)
    if slowest is None:
        return [*found, result.without(blank[LATENCY], _NO_REQUESTS)]
    return [
        *found,
        result.judged(blank[LATENCY], slowest, settings.max_p99_seconds, f"1 % takes {slowest:.3g} s and more"),
    ]


def traffic(last: datetime | None, now: datetime, settings: MonitoringSettings) -> Result:
    """Hours since the last recorded prediction. None for long is a state; an alarm only where the settings say so.

    A prediction from the future, after a clock was set back, is one of now.
    """
    blank = Result("service", TRAFFIC)
    if last is None:
        return result.without(blank, "nothing was predicted yet")
    hours = max(0.0, (now - last).total_seconds() / 3600)
    most, reason = settings.longest_silence_hours, f"nothing was predicted for {hours:.0f} hours"
    if most is not None:
        return result.judged(blank, hours, most, reason)
    if hours > settings.period_minutes / 60:
        return replace(result.without(blank, reason), value=hours)
    return replace(blank, value=hours)
