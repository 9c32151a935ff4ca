"""The pages of what is on record: models, experiments, the audit log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from aifactory_runtime.charts import compact
from aifactory_runtime.charts.compact import Bar, Point
from aifactory_runtime.gate import metrics
from aifactory_runtime.monitoring import model_rules
from aifactory_runtime.pages import parts, verdicts
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup, tag
from aifactory_runtime.pages.verdicts import Level
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.port import FIGURES, METRIC, STAGE, Version
from aifactory_runtime.release import live_test, tags
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
            parts.section("Live test", _live_test(facts)),
            parts.section("Over time", tag("div", *_model_charts(facts), class_="charts")),
            parts.section("Versions", _versions(facts)),
        ]
    return parts.page(facts, "model", parts.banner(verdicts.model(facts)), *content)


def experiments(facts: Facts) -> str:
    """What was tried, what asks to be tried, and what came of it."""
    metric = decides(facts)
    points = [
        Point(_began(run), run.metrics.get(metric), verdicts.outcome(run) == "refused by the gate")
        for run in reversed(facts.runs)
    ]
    about = f"{metric} of each run on its test rows; {_better(metric)}. Squares were refused by the gate."
    runs = [
        (_began(run), run.kind, parts.pill(_run_level(run), verdicts.outcome(run)), run.metrics.get(metric), run.id)
        for run in facts.runs
    ]
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


def decides(facts: Facts) -> str:
    """The metric that the gate decides by."""
    return metrics.chosen(facts.project.settings.gate.metric, facts.project.manifest.problem)


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


def _live_test(facts: Facts) -> Markup:
    record = live_test.of(facts.models.challenger)
    number = facts.models.challenger.number if facts.models.challenger else None
    if record is None:
        return parts.nothing("No successor was tried on live requests yet.")
    return parts.facts_list(
        [
            ("challenger", f"version {number} against version {record.champion}"),
            ("tried by", f"{record.kind}, {compact.share(record.share)} of the requests"),
            ("since", parts.minutes(record.began)),
            ("verdict", record.verdict or f"none yet, {record.looked} periods looked at"),
            ("why", record.why),
            ("ended", parts.minutes(record.ended) if record.ended else None),
        ]
    )


def _model_charts(facts: Facts) -> Iterator[Markup]:
    metric = decides(facts)
    points = [
        Point(f"version {version.number}", _number(version.tags.get(METRIC + metric)))
        for version in facts.models.versions
    ]
    yield parts.trend(f"{metric} by version", f"On the test rows; {_better(metric)}.", points)
    windows = (*facts.looks, *facts.traffic, *facts.labelled)
    monitors = {
        (row["monitor"], row["subject"]): None
        for window in windows
        for row in window.rows
        if row["area"] == "model" and row["value"] is not None and _is_drawn(row)
    }
    for monitor, subject in monitors:
        rows = [
            (window.ends, row)
            for window in windows
            for row in window.rows
            if (row["monitor"], row["subject"]) == (monitor, subject)
        ]
        shown = [
            Point(parts.minutes(ends), row["value"], row["state"] == "alarm") for ends, row in sorted(rows, key=_time)
        ]
        limits = [row["threshold"] for _, row in rows if row["threshold"]]
        title = " ".join(filter(None, (monitor.replace("_", " ").capitalize(), subject)))
        yield parts.trend(
            title, _ABOUT.get(monitor, "As the monitor sees it."), shown, limit=limits[-1] if limits else None
        )


_ABOUT = {
    "staleness": "Days since the model was registered or came here.",
    model_rules.FIGURES: "The gate's metric on labelled predictions, window by window.",
    model_rules.CALIBRATION: "How far answers are off how often they come true.",
    model_rules.KPI: "The mean over labelled predictions, window by window.",
}


def _is_drawn(row: Mapping[str, Any]) -> bool:
    """Neither counts of labels nor single slices, of which there are many: an alarm names those."""
    counts = row["monitor"] in (model_rules.LABELS, model_rules.LATE)
    return not counts and not (row["monitor"] == model_rules.FIGURES and row["subject"])


def _time(entry: tuple[str, Any]) -> str:
    return entry[0]


def _versions(facts: Facts) -> Markup:
    metric = decides(facts)
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
