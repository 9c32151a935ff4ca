"""What an environment keeps and what it no longer needs. Rules without I/O: what is known goes in, a plan comes out.

A run stays while a registered version that did not fail, a live test, a person or a prediction that is kept needs it,
and while it is one of the last. A version of a table stays while a run or a registered version that stays names it.
Days of predictions, labels, events and results of monitors stay as long as the manifest says. So what a kept prediction
is traced to stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from aifactory_runtime.data.removals import CODE, EVENTS, OTHER_SCORES, RUN, Removal
from aifactory_runtime.data.tables import CAPTURED, MONITORS, PREPARED, RAW, SCORED

LAST_RUNS = 20
CHAMPIONS = 5
CODES = 5
"""Commits of code that a champion of these was released with."""
LABELS = "labels"
VACUUMED = (RAW, PREPARED)
"""Tables of which versions go. The frozen reference is not among them: each champion was judged by it."""

_OF_RUNS = f"no registered version that did not fail and no keep needs it, and it is not one of the last {LAST_RUNS}"
_OF_TABLES = "no run that stays and no registered version names it"
_OF_CODE = f"it is not of the last {CHAMPIONS} champions, and no live test and no keep needs it"


@dataclass(frozen=True)
class Days:
    """How many days rows stay, as the environment says."""

    predictions: int
    labels: int
    events: int
    monitors: int


@dataclass(frozen=True)
class Run:
    """A pipeline run; `tables` are the versions that it names by table, None when its handoff cannot be read."""

    id: str
    tables: Mapping[str, int] | None
    tracking: str | None = None
    """The run of the tracking server."""


@dataclass(frozen=True)
class Model:
    """A registered version: `run` and `tables` are of this environment, empty when it was trained in another one."""

    number: int
    failed: bool = False
    run: str = ""
    tables: Mapping[str, int] = field(default_factory=dict)
    commits: tuple[str, ...] = ()
    """That it was trained from and released with, the last one now."""


@dataclass(frozen=True)
class Batch:
    """Rows of `scored` that one batch wrote; `name` is how the ids of its predictions begin."""

    name: str
    day: date


@dataclass(frozen=True)
class Segment:
    """A closed file of a log: the day of its youngest line, and of the log of events the keys of its problems."""

    name: str
    day: date
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kept:
    """What people asked to keep: runs, registered versions, and days of predictions."""

    runs: frozenset[str] = frozenset()
    versions: frozenset[int] = frozenset()
    days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Known:
    """An environment as it is."""

    runs: Sequence[Run] = ()
    models: Sequence[Model] = ()
    champions: Sequence[int] = ()
    """The champion and those before it that a rollback goes to, newest first."""
    in_test: frozenset[int] = frozenset()
    """Versions of a live test that is open."""
    answered: frozenset[int] = frozenset()
    """Versions that recorded predictions were made by."""
    kept: Kept = Kept()
    versions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Versions of each table that hold content, and are there."""
    newest: Mapping[str, int] = field(default_factory=dict)
    """The newest of each table: it always stays."""
    days: Mapping[str, Collection[date]] = field(default_factory=dict)
    """Days of the tables whose files hold one day each; of monitors those that are packed."""
    batches: Sequence[Batch] = ()
    segments: Sequence[Segment] = ()
    """In the order of the log."""
    event_files: Sequence[Segment] = ()
    """Of releases from before the log, one event each."""
    other_scores: Sequence[Segment] = ()
    """Of live tests: what the model that did not answer said of a prediction's row."""
    open_problems: frozenset[str] = frozenset()
    watched_since: date | None = None
    """When the oldest open problem that a monitor found was opened; None without one."""
    code: frozenset[str] = frozenset()
    """Commits whose released code this environment holds on to, but for what was used of late."""
    in_use: frozenset[str] = frozenset()
    """Commits that are served now."""


@dataclass(frozen=True)
class Plan:
    """What goes, rule by rule; of each table of which versions go those that stay; `notes` say what cannot be told."""

    removals: tuple[Removal, ...]
    stay: Mapping[str, frozenset[int]]
    notes: tuple[str, ...] = ()


def plan(known: Known, days: Days, today: date) -> Plan:
    """What the environment no longer needs."""
    models = needed_models(known)
    runs = needed_runs(known, models)
    removals = [_removal(RUN, _OF_RUNS, (run.id for run in known.runs if run.id not in runs))]
    stay, notes = needed_versions(known, runs, models)
    for table, staying in stay.items():
        gone = (number for number in known.versions.get(table, ()) if number not in staying)
        removals.append(_removal(table, _OF_TABLES, map(str, gone)))
    removals += _old_rows(known, days, today)
    removals.append(_removal(MONITORS, _older(days.monitors, "monitors"), _old_results(known, days, today)))
    removals.append(_removal(EVENTS, _older(days.events, "events"), _old_events(known, days, today)))
    removals.append(_removal(OTHER_SCORES, _older(days.predictions, "predictions"), _old_scores(known, days, today)))
    removals.append(_removal(CODE, _OF_CODE, sorted(known.code - needed_code(known))))
    return Plan(tuple(one for one in removals if one.names), stay, notes)


def needed_models(known: Known) -> list[Model]:
    """Registered versions that did not fail, and failed ones that something else needs."""
    needed = known.kept.versions | known.in_test | known.answered | set(known.champions)
    return [model for model in known.models if not model.failed or model.number in needed]


def needed_runs(known: Known, models: Iterable[Model]) -> frozenset[str]:
    """Ids of the runs that stay; ids sort by time."""
    last = sorted((run.id for run in known.runs), reverse=True)[:LAST_RUNS]
    named = {run.id for run in known.runs if known.kept.runs & {run.id, run.tracking}}
    return frozenset(last) | named | {model.run for model in models}


def needed_versions(
    known: Known, runs: Collection[str], models: Iterable[Model]
) -> tuple[dict[str, frozenset[int]], tuple[str, ...]]:
    """Versions that stay of each table; of none, and what to say, where that cannot be told."""
    staying = [run for run in known.runs if run.id in runs]
    unread = sorted(run.id for run in staying if run.tables is None)
    if unread:
        note = f"run {unread[0]} has a handoff that cannot be read: every version of a table stays until it is restored"
        return {}, (note,)
    named = [run.tables or {} for run in staying] + [model.tables for model in models] + [known.newest]
    return {table: frozenset(one[table] for one in named if table in one) for table in VACUUMED}, ()


def needed_code(known: Known) -> frozenset[str]:
    """Commits of the last champions, of versions in a live test, of what people keep and of what is served."""
    numbers = {*known.champions[:CHAMPIONS], *known.in_test, *known.kept.versions}
    found = set(known.in_use)
    for model in known.models:
        if model.number in numbers:
            found |= {*model.commits[:1], *model.commits[-CODES:]}
    return frozenset(found)


def _old_rows(known: Known, days: Days, today: date) -> list[Removal]:
    """Days of predictions and of labels, and batches, that are older than they have to be."""
    predictions, kept = _first_kept(today, days.predictions), known.kept.days
    # A label comes after its prediction, so it may not go first; nor while somebody keeps a day before it.
    labels = min([_first_kept(today, days.labels), predictions, *kept])
    captured = (day for day in known.days.get(CAPTURED, ()) if day < predictions and day not in kept)
    batches = (one.name for one in known.batches if one.day < predictions and one.day not in kept)
    labelled = (day for day in known.days.get(LABELS, ()) if day < labels)
    rule = _older(days.predictions, "predictions")
    return [
        _removal(CAPTURED, rule, map(str, sorted(captured))),
        _removal(SCORED, rule, batches),
        _removal(LABELS, _older(days.labels, "labels"), map(str, sorted(labelled))),
    ]


def _old_events(known: Known, days: Days, today: date) -> list[str]:
    """Files of events that are old and hold no open problem; of the log the first ones only, as it has no gaps."""

    def is_old(segment: Segment) -> bool:
        return segment.day < _first_kept(today, days.events) and not segment.keys & known.open_problems

    first = itertools.takewhile(is_old, known.segments)
    return [segment.name for segment in (*first, *filter(is_old, known.event_files))]


def _old_results(known: Known, days: Days, today: date) -> list[str]:
    """Days of results of monitors: they stay from the day on that an open problem was found, and in a live test."""
    if known.in_test:
        return []
    first = min(_first_kept(today, days.monitors), known.watched_since or today)
    return [str(day) for day in sorted(known.days.get(MONITORS, ())) if day < first]


def _old_scores(known: Known, days: Days, today: date) -> list[str]:
    """Files of the other model's scores go with their predictions; while a live test is open they all stay.

    A file holds more days than its youngest: from the first day on that a person keeps all stay.
    """
    if known.in_test:
        return []
    first = min([_first_kept(today, days.predictions), *known.kept.days])
    return [one.name for one in known.other_scores if one.day < first]


def _first_kept(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _older(days: int, what: str) -> str:
    return f"older than {days} days (retention.{what}_days)"


def _removal(kind: str, rule: str, names: Iterable[str]) -> Removal:
    return Removal(kind, tuple(names), rule)
