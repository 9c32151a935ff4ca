"""The pages of what monitors watch: service, data, cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aifactory_runtime.charts.compact import Bar, Point
from aifactory_runtime.monitoring import drift_rules, service_rules
from aifactory_runtime.monitoring.result import ALARM
from aifactory_runtime.monitoring.store import Window
from aifactory_runtime.pages import parts, verdicts
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup, tag
from aifactory_runtime.quota.usage import ALERT_SHARE

_MOST_BARS = 20


def service(facts: Facts) -> str:
    """Whether callers are answered, how fast, and how often not."""
    contract = facts.contract
    if not contract.serves:
        return parts.page(facts, "service", parts.banner(verdicts.service(facts)))
    charts = [
        _trend(facts.looks, service_rules.REQUESTS, "Requests", "Requests since the look before."),
        _trend(facts.looks, service_rules.ERRORS, "Failed requests", "Share of requests that failed.", share=True),
        _trend(
            facts.looks, service_rules.LATENCY, "Slowest answers", "Seconds that 1 % of the requests exceed.", unit="s"
        ),
        _trend(
            facts.looks,
            service_rules.REFUSED,
            "Refused requests",
            "Share that callers got wrong; shown, never an alarm.",
            share=True,
        ),
    ]
    about = [
        ("address", contract.endpoint_url),
        ("predictions recorded", f"{facts.predictions:,}"),
        ("tries a successor by", None if contract.trial == "direct" else contract.trial),
    ]
    return parts.page(
        facts,
        "service",
        parts.banner(verdicts.service(facts)),
        parts.section("The service", parts.facts_list(about)),
        parts.section("Over time", tag("div", *charts, class_="charts")),
        parts.section("The last look", parts.monitors(facts.looks, "service")),
        parts.section("Who may call", _callers(facts)),
    )


def data(facts: Facts) -> str:
    """Whether what callers send is like what the model learned from."""
    last = facts.traffic[-1].rows if facts.traffic else ()
    charts = [
        parts.bars(
            "Drift by column",
            "How far each column of the last window is from before. A stroke marks where the alarm begins.",
            _bars(last, drift_rules.DRIFT),
        ),
        parts.trend(
            "Largest drift",
            "Of all columns in each window, in parts of where the alarm begins: 1 is the limit.",
            _largest(facts.traffic, drift_rules.DRIFT),
            limit=1.0,
        ),
        _trend(
            facts.traffic,
            drift_rules.PREDICTION_DRIFT,
            "Drift of the answers",
            "How far what the model says is from before.",
        ),
        parts.bars(
            "Missing values",
            "Share of each column that is missing in the last window.",
            _bars(last, "missing"),
            share=True,
        ),
    ]
    return parts.page(
        facts,
        "data",
        parts.banner(verdicts.data(facts)),
        parts.section("What was looked at", parts.facts_list(_windows(facts))),
        parts.section("Like before?", tag("div", *charts, class_="charts")),
        parts.section("The last window", parts.monitors(facts.traffic, "data")),
    )


def cost(facts: Facts) -> str:
    """What the use case has taken of its quotas here."""
    quotas = [Bar(one.kind, one.taken / one.quota if one.quota else 0.0, ALERT_SHARE, one.near) for one in facts.usage]
    month = [Point(month, hours) for month, hours in facts.hours]
    budget = next((row for row in (facts.looks[-1].rows if facts.looks else ()) if row["monitor"] == "budget"), None)
    charts = [
        parts.bars(
            "Quotas",
            "How much is taken; the stroke is where it is said that it is nearly used up.",
            quotas,
            share=True,
            whole=1.0,
        ),
        _trend(facts.looks, "disk", "Disk", "Gigabytes that the use case's folders hold.", unit="GB"),
        parts.trend("Compute by month", "Hours that pipelines took.", month, unit="h"),
    ]
    said = None if budget is None or not budget["threshold"] else f"{budget['threshold']:g} a month; {budget['reason']}"
    about = [("budget", said), ("cost center", facts.project.manifest.cost_center)]
    return parts.page(
        facts,
        "cost",
        parts.banner(verdicts.cost(facts)),
        parts.section("Where it is booked", parts.facts_list(about)),
        parts.section("Taken", tag("div", *charts, class_="charts")),
    )


def _callers(facts: Facts) -> Markup:
    """Who has a token, as what, and for how long; never the token."""
    if facts.contract.endpoint_callers_uri is None:
        return parts.nothing("It asks nobody for a token here.")
    rows = [
        (
            one.login,
            ", ".join(sorted(one.roles)),
            verdicts.when(datetime.fromtimestamp(end, UTC)) if math.isfinite(end) else "no end",
        )
        for one, end in facts.callers
    ]
    if not rows:
        return parts.nothing("Nobody has a token.")
    return parts.table(("login", "as", "until"), rows, "Who has a token for the service")


def _windows(facts: Facts) -> Iterator[tuple[str, str | None]]:
    yield "predictions recorded", f"{facts.predictions:,}" if facts.predictions else "no predictions yet"
    yield "labels received", f"{facts.labels:,}" if facts.labels else "no labels yet"
    if facts.traffic:
        last = facts.traffic[-1]
        yield (
            "last window",
            f"{last.predictions:,} predictions, {parts.minutes(last.begins)} to {parts.minutes(last.ends)}",
        )
        yield "answered by", f"version {last.version}"


def _trend(
    windows: Sequence[Window], monitor: str, title: str, about: str, *, share: bool = False, unit: str = ""
) -> Markup:
    """One monitor over all windows, with the limit of the last one that has any."""
    rows = [(window, verdicts.row_of(window.rows, monitor)) for window in windows]
    points = [
        Point(parts.minutes(window.ends), row["value"] if row else None, row is not None and row["state"] == ALARM)
        for window, row in rows
    ]
    limits = [row["threshold"] for _, row in rows if row and row["threshold"]]
    return parts.trend(title, about, points, share=share, unit=unit, limit=limits[-1] if limits else None)


def _bars(rows: Sequence[Mapping[str, Any]], monitor: str) -> list[Bar]:
    """Columns of a window, those nearest to their limit first."""
    found = [
        Bar(str(row["subject"]), row["value"], row["threshold"], row["state"] == ALARM)
        for row in rows
        if row["monitor"] == monitor and row["value"] is not None
    ]
    found.sort(key=lambda bar: -(bar.value / bar.limit if bar.limit else bar.value))
    return found[:_MOST_BARS]


def _largest(windows: Sequence[Window], monitor: str) -> list[Point]:
    """In each window the column that is nearest to its limit, as a part of that."""
    points = []
    for window in windows:
        rows = [row for row in window.rows if row["monitor"] == monitor and row["value"] is not None]
        values = [row["value"] / row["threshold"] for row in rows if row["threshold"]]
        alarm = any(row["state"] == ALARM for row in rows)
        points.append(Point(parts.minutes(window.ends), max(values, default=None), alarm))
    return points
