"""From the results of a window to problems: opened or counted, closed by themselves, once a window. Rules, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aifactory_runtime.contract.manifest import Monitors
from aifactory_runtime.events import kinds
from aifactory_runtime.events.event import key_of
from aifactory_runtime.events.problems import Problem, Problems
from aifactory_runtime.monitoring import data_rules, drift_rules, fairness_rules, model_rules, service_rules
from aifactory_runtime.monitoring.result import ALARM, FAILED, NO_LABELS, OK

KIND_OF = {
    service_rules.ANSWERS: kinds.SERVICE_DOWN,
    service_rules.ERRORS: kinds.SERVICE_ERRORS,
    service_rules.LATENCY: kinds.SERVICE_SLOW,
    service_rules.NOT_RECORDED: kinds.NOT_RECORDED,
    service_rules.TRAFFIC: kinds.NO_TRAFFIC,
    data_rules.SCHEMA: kinds.INPUTS_DO_NOT_FIT,
    data_rules.MISSING: kinds.MISSING_VALUES,
    data_rules.RANGE: kinds.OUT_OF_RANGE,
    data_rules.STUCK: kinds.STUCK_COLUMN,
    data_rules.UNSEEN: kinds.UNSEEN_VALUES,
    drift_rules.DRIFT: kinds.DRIFT,
    drift_rules.PREDICTION_DRIFT: kinds.PREDICTION_DRIFT,
    drift_rules.SKEW: kinds.SKEW,
    model_rules.STALENESS: kinds.STALE_MODEL,
    model_rules.FIGURES: kinds.MODEL_WORSE,
    model_rules.CALIBRATION: kinds.MISCALIBRATED,
    model_rules.KPI: kinds.KPI_WORSE,
    fairness_rules.FAIRNESS: kinds.UNFAIR,
}
"""The kind of problem that an alarm of a monitor is. Quotas have kinds of their own, which the quotas' guard opens."""


@dataclass(frozen=True)
class Found:
    """A problem that is there."""

    kind: str
    subject: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What is to be recorded of a window."""

    found: tuple[Found, ...]
    over: tuple[str, ...]
    """Keys of problems that are there no more."""


def of_window(rows: Sequence[Mapping[str, Any]], owners: Monitors, known: Problems, now: datetime) -> Told:
    """What the rows of one window say of problems; a window that was told of before says nothing new.

    What has no data leaves its problem as it is. A problem of a column that no monitor looks at any more is over.
    """
    found = [one for row in rows if (one := _found(row, owners)) is not None]
    named = [(one, key_of(one.kind, one.subject)) for one in found]
    new = tuple(one for one, key in named if not _was_told(known.by_key.get(key), one))
    there = {key for _, key in named}
    watching = [row for row in rows if row["monitor"] in KIND_OF and row["state"] != NO_LABELS]
    looked = {key_of(KIND_OF[row["monitor"]], row["subject"]) for row in watching}
    watched = {KIND_OF[row["monitor"]] for row in watching}
    over = {
        key_of(KIND_OF[row["monitor"]], row["subject"])
        for row in rows
        if row["state"] == OK and row["monitor"] in KIND_OF
    }
    over |= {key_of(kinds.MONITOR_FAILED, row["monitor"]) for row in rows if row["state"] != FAILED}
    gone = {one.key for one in known.open(now) if one.kind in watched and one.key not in looked}
    return Told(new, tuple(sorted((over | gone) - there)))


def owner(area: str, owners: Monitors) -> str:
    """Whom a monitor calls; cost is its service's."""
    found: str = {"data": owners.data, "model": owners.model}.get(area, owners.service).owner
    return found


def _found(row: Mapping[str, Any], owners: Monitors) -> Found | None:
    facts = {
        "owner": owner(row["area"], owners),
        "reason": row["reason"],
        "value": row["value"],
        "threshold": row["threshold"],
        "window": row["window"],
        "rows": row["rows"],
        "model_version": row["model_version"],
    }
    said = {key: value for key, value in facts.items() if value not in (None, "", 0)}
    if row["state"] == FAILED:
        return Found(kinds.MONITOR_FAILED, row["monitor"], said)
    if row["state"] != ALARM or row["monitor"] not in KIND_OF:
        return None
    extra = {key: row["facts"][key] for key in ("source", "retrains") if key in row["facts"]}
    return Found(KIND_OF[row["monitor"]], row["subject"], said | extra)


def _was_told(problem: Problem | None, one: Found) -> bool:
    """Whether this window is counted already, also where a person has closed the problem since."""
    if problem is None or problem.facts.get("window") != one.facts.get("window"):
        return False
    return problem.closed is None or problem.closed_by is not None
