"""What the facts mean: for each area one of four levels, a short sentence, and what is behind it. Rules without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from aifactory_runtime.events import kinds, told
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.gate import metrics
from aifactory_runtime.monitoring import drift_rules, looking, model_rules
from aifactory_runtime.monitoring.result import ALARM, FAILED, OK
from aifactory_runtime.monitoring.telling import KIND_OF
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pipeline.handoff import Handoff

_LATE = 3
"""Periods without a look from which on nobody watches."""


class Level(Enum):
    """How an area stands, best last; the value is the word that people read."""

    ACT = "act now"
    LOOK = "needs a look"
    UNKNOWN = "nothing known yet"
    GOOD = "in order"


_WORST_FIRST = tuple(Level)
REFUSED = "refused by the gate"
_COMPARED = frozenset({drift_rules.DRIFT, drift_rules.SKEW})
"""Monitors that hold what is sent against what is known."""


@dataclass(frozen=True)
class Verdict:
    """How something stands, in a sentence; `more` says what it rests on."""

    level: Level
    sentence: str
    more: str = ""


def worst(levels: Sequence[Level]) -> Level:
    """The worst of them; nothing known is no better than any other, but for what is in order."""
    return min(levels, key=_WORST_FIRST.index, default=Level.UNKNOWN)


def of_problem(problem: Problem) -> Level:
    """How bad an open problem is."""
    return Level.ACT if kinds.of(problem.kind).severity == "critical" else Level.LOOK


def overall(facts: Facts) -> Verdict:
    """The whole environment in one sentence: what a person has to do, if anything."""
    opened = [one for one in facts.problems.open(facts.now) if not one.silent(facts.now)]
    level = worst([of_problem(one) for one in opened]) if opened else Level.GOOD
    if opened:
        count = "1 problem is open" if len(opened) == 1 else f"{len(opened)} problems are open"
        more = ", ".join(dict.fromkeys(told.owner(one) for one in sorted(opened, key=_urgency)))
        said = f"{count}, and something has stopped" if level is Level.ACT else count
        return Verdict(level, said, f"To do something: {more}.")
    if facts.unread:
        return Verdict(Level.LOOK, "A part of this page could not be read", "See below what, and why.")
    if not facts.looks:
        return Verdict(
            Level.UNKNOWN,
            "Nobody has looked yet",
            "A tick of the orchestrator has the monitors look, and so does the command monitor.",
        )
    if late := _late(facts):
        return Verdict(Level.LOOK, "Nobody watches at the moment", late)
    return _of_areas(facts)


def _of_areas(facts: Facts) -> Verdict:
    """The worst area; what is served has to be known, too, for the whole to be in order."""
    served = [area(facts) for area in (model, service, data)]
    for one in sorted([*served, experiments(facts), cost(facts), audited(facts)], key=_rank):
        if one.level in (Level.ACT, Level.LOOK) or (one.level is Level.UNKNOWN and one in served):
            return one
    return Verdict(Level.GOOD, "Everything is in order", "No problem is open.")


def _rank(verdict: Verdict) -> int:
    return _WORST_FIRST.index(verdict.level)


def _urgency(problem: Problem) -> int:
    return _WORST_FIRST.index(of_problem(problem))


def service(facts: Facts) -> Verdict:
    """Whether callers are answered."""
    if not facts.contract.serves:
        return Verdict(Level.GOOD, "No service here", "Tables are scored in batches.")
    if not facts.looks:
        return Verdict(Level.UNKNOWN, "Not looked at yet")
    rows = _of_area(facts.looks[-1].rows, "service")
    level, alarms = _judged(rows)
    if alarms:
        return Verdict(level, str(alarms[0]["reason"]) or f"{alarms[0]['monitor']} is in alarm", _looked(facts))
    answers, requests = row_of(rows, "answers"), row_of(rows, "requests")
    if answers is None or answers["state"] != OK:
        return Verdict(Level.UNKNOWN, str(answers["reason"]) if answers else "no figure", _looked(facts))
    seen = requests["value"] if requests is not None and requests["state"] == OK else None
    said = "no requests since the look before" if seen is None else f"{seen:,.0f} requests since the look before"
    return Verdict(Level.GOOD, "It answers", said)


def data(facts: Facts) -> Verdict:
    """Whether what callers send is like what the model learned from."""
    if not facts.traffic and not facts.predictions:
        return Verdict(Level.UNKNOWN, "No predictions yet")
    if not facts.traffic:
        least = facts.project.settings.monitoring.window_rows
        said = f"{facts.predictions:,} predictions recorded; the first look is at {least:,}"
        return Verdict(Level.UNKNOWN, "Too few predictions to judge", said)
    last = facts.traffic[-1]
    rows = _of_area(last.rows, "data")
    level, alarms = _judged(rows)
    if not alarms and not any(row["monitor"] in _COMPARED and row["state"] == OK for row in rows):
        why = next((str(row["reason"]) for row in rows if row["monitor"] in _COMPARED and row["reason"]), "")
        return Verdict(Level.UNKNOWN, "Nothing of the data was compared", why or "no column could be compared")
    if not alarms:
        return Verdict(Level.GOOD, "Like the data the model knows", f"{last.predictions:,} predictions looked at")
    columns = sorted({str(row["subject"]) for row in alarms if row["subject"]})
    named = ", ".join(columns[:3]) + (" ..." if len(columns) > 3 else "")  # noqa: PLR2004
    return Verdict(level, f"Unlike before: {named}" if columns else str(alarms[0]["reason"]), str(alarms[0]["reason"]))


def model(facts: Facts) -> Verdict:
    """Which model answers, and whether it is still what was released."""
    champion, served = facts.models.champion, facts.served.champion if facts.served else None
    if champion is None and served is None:
        return Verdict(Level.UNKNOWN, "No model is released yet")
    number = served.version if served is not None else str(champion.number if champion else "")
    level, alarms = _judged([row for row in _newest_rows(facts) if row["area"] == "model"])
    if alarms:
        return Verdict(level, str(alarms[0]["reason"]), f"version {number} answers")
    age = row_of(facts.looks[-1].rows, "staleness") if facts.looks else None
    days = "" if age is None or age["value"] is None else f", {_days(age['value'])} old"
    trial = ", a live test runs" if facts.served and facts.served.trial else ""
    return Verdict(Level.GOOD, f"Version {number} answers{days}{trial}", _came_true(facts))


def _came_true(facts: Facts) -> str:
    """The deciding figure on the newest labelled predictions."""
    found = row_of(facts.labelled[-1].rows, model_rules.FIGURES) if facts.labelled else None
    if found is None or found["value"] is None:
        return ""
    rows = facts.labelled[-1].predictions
    return f"{decides(facts)} {found['value']:.3g} on the newest {rows:,} labelled predictions"


def decides(facts: Facts) -> str:
    """The metric that the gate decides by."""
    return metrics.chosen(facts.project.settings.gate.metric, facts.project.manifest.problem)


def _days(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:.0f} days"


def experiments(facts: Facts) -> Verdict:
    """How the last training went, and what waits."""
    waiting = [one for one in facts.requests if one.pending]
    if not facts.runs:
        return Verdict(Level.UNKNOWN, "No run here yet", f"{len(waiting)} requests wait" if waiting else "")
    last = facts.runs[0]
    bad = last.version is None and not last.gains_nothing and (last.error is not None or last.refused is not None)
    more = [why(last), f"{len(waiting)} requests to train wait" if waiting else ""]
    return Verdict(Level.LOOK if bad else Level.GOOD, f"Last run: {outcome(last)}", "; ".join(filter(None, more)))


def cost(facts: Facts) -> Verdict:
    """How much of the quotas is taken."""
    if not facts.usage:
        return Verdict(Level.UNKNOWN, "No quota was applied")
    over, near = [one for one in facts.usage if one.over], [one for one in facts.usage if one.near]
    more = "; ".join(map(str, facts.usage))
    if over:
        return Verdict(Level.ACT, f"The quota of {over[0].kind} is used up", more)
    if near:
        return Verdict(Level.LOOK, f"The quota of {near[0].kind} is nearly used up", more)
    return Verdict(Level.GOOD, "Within its quotas", more)


def audited(facts: Facts) -> Verdict:
    """Whether the record of what was done can be trusted."""
    found = facts.audited.verification
    if found.problem is not None:
        return Verdict(Level.ACT, "The audit log was changed", found.problem)
    for one in facts.problems.open(facts.now):
        if one.kind == kinds.AUDIT_BROKEN:  # lines that were cut off show in what is anchored alone
            return Verdict(of_problem(one), "The audit log was changed", str(one.facts.get("reason") or ""))
    if not found.lines:
        return Verdict(Level.UNKNOWN, "Nothing is recorded yet")
    return Verdict(Level.GOOD, f"All {found.lines:,} lines hold", f"head {found.head[:12]}")


def outcome(run: Handoff) -> str:
    """What a run of the pipeline came to, in a few words."""
    if run.version is not None:
        return f"version {run.version}"
    if run.gains_nothing:
        return "nothing gained, the champion stays"
    if run.refused is not None:  # the error of such a run repeats it
        return REFUSED
    if run.error is not None:
        return f"failed: {run.error}"
    return "not finished"


def why(run: Handoff) -> str:
    """What the gate had against the candidate of a run; empty where nothing."""
    return "" if run.version is not None or run.refused is None else "; ".join(run.refused)


def _late(facts: Facts) -> str:
    """Since when nobody has looked, where that is too long; a look that lies ahead, by more than a period, is none."""
    last = looking.moment(facts.looks[-1].ends)
    period = timedelta(minutes=facts.project.settings.monitoring.period_minutes)
    watched = last is None or -period <= facts.now - last <= _LATE * period
    return "" if watched else f"The last look was at {when(last)}."


def _looked(facts: Facts) -> str:
    return f"looked at {when(looking.moment(facts.looks[-1].ends))}"


def when(moment: datetime | None) -> str:
    """A time for people, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def _newest_rows(facts: Facts) -> list[Mapping[str, Any]]:
    return [row for group in (facts.looks, facts.traffic, facts.labelled) if group for row in group[-1].rows]


def _of_area(rows: Sequence[Mapping[str, Any]], area: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["area"] == area]


def row_of(rows: Sequence[Mapping[str, Any]], monitor: str) -> Mapping[str, Any] | None:
    """The row of a monitor that has one subject; None where it was not looked at."""
    return next((row for row in rows if row["monitor"] == monitor), None)


def _judged(rows: Sequence[Mapping[str, Any]]) -> tuple[Level, list[Mapping[str, Any]]]:
    """The level of some rows, and those that are in alarm or failed, worst first."""
    found = [(row_level(row), row) for row in rows if row["state"] in (ALARM, FAILED)]
    found.sort(key=lambda one: _WORST_FIRST.index(one[0]))
    return worst([level for level, _ in found]) if found else Level.GOOD, [row for _, row in found]


def row_level(row: Mapping[str, Any]) -> Level:
    """How bad a row of the table of monitors is."""
    if row["state"] == FAILED:
        return Level.ACT
    if row["state"] == ALARM:
        kind = KIND_OF.get(row["monitor"])
        return Level.ACT if kind is not None and kinds.of(kind).severity == "critical" else Level.LOOK
    return Level.GOOD if row["state"] == OK else Level.UNKNOWN
