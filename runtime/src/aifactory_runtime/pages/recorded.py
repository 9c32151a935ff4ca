"""The pages of what is on record: models, experiments, the audit log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aifactory_runtime.charts.compact import Bar, Point
from aifactory_runtime.gate import metrics
from aifactory_runtime.monitoring import fairness_rules, model_rules
from aifactory_runtime.monitoring.result import ALARM
from aifactory_runtime.pages import live_test, parts, verdicts
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup, joined, tag
from aifactory_runtime.pages.verdicts import Level
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.port import FIGURES, METRIC, STAGE, Version
from aifactory_runtime.release import tags
from aifactory_runtime.triggers.request import Request

_MOST_FACTS = 160
"""Letters of what a line of the audit log says beside who did what."""


def model(facts: Facts) -> str:
    """Which model answers, how good it is, and what is tried beside it."""
    found = facts.models
    if found.champion is None and not found.versions:
        content = [parts.nothing(facts.unread.get("models", "No model is registered here yet."))]
    else:
        content = [
            parts.section("The champion", _champion(facts)),
            parts.section("Its figures", _figures(found.champion)),
            parts.section("Live test", live_test.section(facts)),
            parts.section("Over time", tag("div", *_model_charts(facts), class_="charts")),
            parts.section("The newest labelled predictions", parts.monitors(facts.labelled, "model")),
            parts.section("Versions", _versions(facts)),
        ]
    return parts.page(facts, "model", parts.banner(verdicts.model(facts)), *content)


def experiments(facts: Facts) -> str:
    """What was tried, what asks to be tried, and what came of it."""
    metric = verdicts.decides(facts)
    points = [
        Point(_began(run), run.metrics.get(metric), verdicts.outcome(run) == verdicts.REFUSED)
        for run in reversed(facts.runs)
    ]
    about = f"{metric} of each run on its test rows; {_better(metric)}. Squares were refused by the gate."
    runs = [(_began(run), run.kind, _came_to(run), run.metrics.get(metric), run.id) for run in facts.runs]
    asked = [
        (one.asked, one.trigger, one.who, one.why, parts.pill(_request_level(one), _request_state(one)))
        for one in facts.requests
    ]
    heads = ("began", "kind", "came to", metric, "run")
    return parts.page(
        facts,
        "experiments",
        parts.banner(verdicts.experiments(facts)),
        parts.section("Progress", tag("div", parts.trend(f"{metric} by run", about, points), class_="charts")),
        parts.section(
            "Runs", parts.table(heads, runs, "Runs") if runs else parts.nothing("No run of the pipeline here yet.")
        ),
        parts.section(
            "Requests to train again",
            parts.table(("asked", "by", "who", "why", "state"), asked, "Requests")
            if asked
            else parts.nothing("Nobody asked for a training yet."),
        ),
    )


def audit(facts: Facts) -> str:
    """Whether the audit log holds, and what was done last."""
    found = facts.audited
    counted = Counter(str(line["action"]) for line in found.lines)
    bars = [Bar(action, float(number)) for action, number in counted.most_common()]
    lines = [
        (line["sequence"], parts.minutes(str(line["time"])), line["action"], line["who"], _short(line["facts"]))
        for line in found.lines
    ]
    about = [
        ("lines that hold", f"{found.verification.lines:,}"),
        ("first that does not", found.verification.problem),
        ("head", tag("code", found.verification.head) if found.verification.lines else None),
    ]
    return parts.page(
        facts,
        "audit",
        parts.banner(verdicts.audited(facts)),
        parts.section("The chain", parts.facts_list(about)),
        parts.section(
            "What was done",
            tag("div", parts.bars("Actions", f"Of the last {len(lines)} lines.", bars), class_="charts"),
        ),
        parts.section(
            "Newest lines",
            parts.table(("line", "time", "what", "who", "of what"), lines, "Newest lines of the audit log")
            if lines
            else parts.nothing("Nothing is recorded yet."),
        ),
    )


def _better(metric: str) -> str:
    return "less is better" if metric in metrics.LOWER_IS_BETTER else "more is better"


def _champion(facts: Facts) -> Markup:
    champion, served = facts.models.champion, facts.served.champion if facts.served else None
    if champion is None:
        return parts.nothing("No version is champion yet.")
    differs = served is not None and served.sha256 != champion.model_sha256
    return parts.facts_list(
        [
            ("version", str(champion.number)),
            ("served", "nothing yet" if served is None else f"version {served.version}" if differs else "this version"),
            ("trained from commit", tag("code", champion.tags.get(tags.COMMIT, "")[:12])),
            ("copied from", champion.tags.get(tags.FROM)),
            ("approved by", champion.tags.get(tags.APPROVED_BY)),
            ("model", tag("code", champion.model_sha256[:16])),
            ("to know first", champion.tags.get(FIGURES)),
        ]
    )


def _figures(version: Version | None) -> Markup:
    if version is None:
        return parts.nothing("No figures yet.")
    rows = [
        (name, _number(value), _number(version.tags.get(tags.BASELINE + name)))
        for key, value in sorted(version.tags.items())
        if key.startswith(METRIC) and (name := key.removeprefix(METRIC))
    ]
    if not rows:
        return parts.nothing("It was registered without figures.")
    return parts.table(("metric", "this model", "simple baseline"), rows, "Figures of the champion")


def _model_charts(facts: Facts) -> Iterator[Markup]:
    metric = verdicts.decides(facts)
    points = [
        Point(f"version {version.number}", _number(version.tags.get(METRIC + metric)))
        for version in facts.models.versions
    ]
    yield parts.trend(f"{metric} by version", f"On the test rows; {_better(metric)}.", points)
    found = [
        (window.ends, row)
        for window in (*facts.looks, *facts.labelled)
        for row in window.rows
        if row["area"] == "model" and row["value"] is not None and row["monitor"] not in _NO_CHART
    ]
    for monitor in dict.fromkeys(row["monitor"] for _, row in found):
        rows = [(ends, row) for ends, row in found if row["monitor"] == monitor]
        of_all = [(ends, row) for ends, row in rows if monitor != model_rules.FIGURES or not row["subject"]]
        if of_all:
            yield _monitor(facts, monitor, of_all)


def _monitor(facts: Facts, monitor: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Markup:
    """One monitor of the model over time, with its newest limit."""
    points = [Point(parts.minutes(ends), row["value"], row["state"] == ALARM) for ends, row in rows]
    limits = [row["threshold"] for _, row in rows if row["threshold"] is not None]
    metric = verdicts.decides(facts)
    title = metric if monitor == model_rules.FIGURES else monitor.replace("_", " ").capitalize()
    below = monitor == model_rules.FIGURES and metric not in metrics.LOWER_IS_BETTER
    kpi = facts.project.manifest.kpi
    if monitor == model_rules.KPI and kpi is not None:
        below = kpi.direction == "up"
    if monitor == model_rules.KPI:
        title = str(rows[-1][1]["subject"]) or title
    about = _ABOUT.get(monitor, "As the monitor sees it.")
    return parts.trend(title, about, points, limit=limits[-1] if limits else None, below=below)


_ABOUT = {
    model_rules.STALENESS: "Days since the model was registered or came here.",
    model_rules.FIGURES: "The gate's metric on labelled predictions, window by window.",
    model_rules.CALIBRATION: "How far answers are off how often they come true.",
    model_rules.KPI: "The mean over labelled predictions, window by window.",
}
_NO_CHART = frozenset({model_rules.LABELS, model_rules.LATE, fairness_rules.FAIRNESS})
"""How far reading is, and figures of several columns, which stand in the table."""


def _versions(facts: Facts) -> Markup:
    metric = verdicts.decides(facts)
    champion = facts.models.champion.number if facts.models.champion else None
    rows = [
        (
            version.number,
            parts.pill(Level.GOOD, "champion") if version.number == champion else version.tags.get(STAGE, "candidate"),
            _number(version.tags.get(METRIC + metric)),
            version.tags.get(tags.FROM, ""),
            tag("code", version.tags.get(tags.COMMIT, "")[:12]),
        )
        for version in reversed(facts.models.versions)
    ]
    return parts.table(("version", "stage", metric, "copied from", "commit"), rows, "Versions")


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _began(run: Handoff) -> str:
    """When a run began: its id says so."""
    try:
        return verdicts.when(datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC))
    except ValueError:
        return ""


def _came_to(run: Handoff) -> Markup:
    """What a run came to, and what the gate said where it refused."""
    pill, why = parts.pill(_run_level(run), verdicts.outcome(run)), verdicts.why(run)
    return joined(pill, f" {why}") if why else pill


def _run_level(run: Handoff) -> Level:
    if run.version is not None:
        return Level.GOOD
    return Level.LOOK if run.error is not None or run.gate is not None else Level.UNKNOWN


def _request_state(one: Request) -> str:
    if one.pending:
        return f"approved by {one.approved_by}" if one.approved_by else "waits"
    version = f", version {one.version}" if one.version is not None else ""
    return f"{one.outcome or 'ended'}{version}"


def _request_level(one: Request) -> Level:
    if one.pending:
        return Level.LOOK
    return Level.GOOD if one.version is not None else Level.UNKNOWN


def _short(facts: Mapping[str, Any]) -> str:
    """The facts of a line, as far as they fit."""
    said = ", ".join(
        f"{key} {value if isinstance(value, str | int | float) else json.dumps(value)}"
        for key, value in facts.items()
        if value is not None
    )
    return said if len(said) <= _MOST_FACTS else said[:_MOST_FACTS] + " ..."
