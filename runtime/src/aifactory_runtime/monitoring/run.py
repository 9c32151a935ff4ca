"""One call of the monitors: every window that has closed since the last call, and service, cost and age when due.

Each window is one commit of the table `monitors`; what it says of problems is recorded after that. Killed in between,
the next call begins with the problems of the last windows, which are counted once a window.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.monitoring import (
    baseline,
    batches,
    cost_rules,
    counts,
    data_rules,
    due,
    exclusive,
    expected,
    looking,
    model_rules,
    models,
    own_baseline,
    quality,
    service_rules,
    store,
    telling,
    traffic,
    windows,
)
from aifactory_runtime.monitoring.models import Model
from aifactory_runtime.monitoring.result import FAILED, Result
from aifactory_runtime.monitoring.store import BATCHES, CLOCK, LABELS, TRAFFIC, Place
from aifactory_runtime.monitoring.traffic import Known, guarded
from aifactory_runtime.monitoring.windows import Window
from aifactory_runtime.quota import guard, usage

_READING = "predictions"
"""The monitor that cannot be: what it would look at cannot be read."""
_EACH_CALL = (_READING, model_rules.LABELS)
"""Monitors that say at each call how far reading is."""


@dataclass(frozen=True)
class Looked:
    """One window that was looked at."""

    place: Place
    results: tuple[Result, ...]


@dataclass
class Report:
    """What one call did."""

    windows: list[Looked] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What could not be looked at, and why."""


def monitor(project: Project, now: datetime) -> Report:
    """Look at everything that is due. FactoryError when results cannot be written, and while another call runs."""
    return _Monitor(project, now).run()


class _Monitor:
    """One call, for one environment."""

    def __init__(self, project: Project, now: datetime) -> None:
        self._project = project
        self._now = now
        self._contract: EnvironmentContract = project.environment.contract
        self._settings = project.settings.monitoring
        self._data = Path(self._contract.data_uri)
        self._capture = Path(self._contract.capture_uri)
        self._folder = Path(self._contract.artifact_uri) / expected.FOLDER
        self._events = record.Following(Path(self._contract.events_uri))
        self._report = Report()

    def run(self) -> Report:
        with exclusive.held(self._folder):
            for source in (self._watched, CLOCK, LABELS):
                self._tell(source)
            reading = guarded("data", _READING, self._traffic)
            reading += guarded("data", _READING, self._batches)
            reading += guarded("model", model_rules.LABELS, self._labels)
            self._clock(reading)
        looked = [one for window in self._report.windows for one in window.results]
        failed = [f"{one.monitor}: {one.reason}" for one in (*looked, *reading) if one.state == FAILED]
        self._report.failures += dict.fromkeys(failed)
        return self._report

    # Windows of predictions

    @property
    def _watched(self) -> str:
        """Whose windows are told of: both kinds have the same problems, and one that has ended says nothing of now."""
        return BATCHES if self._contract.scoring == "batch" else TRAFFIC

    def _traffic(self) -> list[Result]:
        """Look at each window that has closed; what is returned says that all could be read.

        What comes after the call began is the next one's: else a call that is slower than the traffic has no end.
        """
        after = store.position(self._data, TRAFFIC)
        newest = windows.newest(self._capture, self._data)
        if newest < after:
            raise FactoryError(
                f"the log of predictions ends at {newest}, but {after} was looked at already: a backup was restored; "
                "windows go on once it is past that"
            )
        there = windows.read(self._capture, self._data, after)
        found = itertools.takewhile(lambda each: each.sequence <= newest, there)
        for window in windows.cut(found, self._settings.window_rows):
            self._write(self._place(window), self._of_window(window, TRAFFIC))
        return [Result("data", _READING)]

    def _batches(self) -> list[Result]:
        """Look at each window of batches that has closed; where a service answers, its traffic is watched instead."""
        if self._watched != BATCHES:
            return []
        number = store.position(self._data, BATCHES)
        after = batches.point(store.window(self._data, BATCHES, number), self._data)
        found = batches.read(self._data, after, self._settings.window_rows)
        for more, window in enumerate(windows.cut(found, self._settings.window_rows), start=1):
            place = replace(self._place(window), source=BATCHES, number=number + more)
            self._write(place, [batches.ends(window), *self._of_window(window, BATCHES)])
        return []

    def _of_window(self, window: Window, source: str) -> list[Result]:
        last = store.window(self._data, source, store.position(self._data, source))
        before = last if last and last[0]["model_sha256"] == window.sha256 else []

        def look() -> list[Result]:
            model = self._model(window.sha256)
            own = own_baseline.of(self._contract, model, window, source, self._settings.window_rows)
            known = Known(model.schema, model.profile, self._training(window.sha256), own)
            return traffic.results(window, known, before)

        return guarded("data", data_rules.SCHEMA, look)

    def _model(self, sha256: str) -> Model:
        return models.find(self._folder, Path(self._contract.release_uri), sha256)

    @cache  # noqa: B019 - it lives as long as one call
    def _training(self, sha256: str) -> baseline.Baseline | None:
        profile = self._model(sha256).profile
        return None if profile is None else baseline.of_training(profile, self._settings.window_rows)

    @staticmethod
    def _place(window: Window) -> Place:
        begins, ends = window.times
        rows = len(window.predictions)
        return Place(TRAFFIC, window.last, begins, ends, rows, window.first, window.version, window.sha256)

    def _labels(self) -> list[Result]:
        """Look at each labelled window that has closed; what is returned says how far the next one is."""
        found = quality.Quality(self._project, self._now)
        for place, results in found.windows():
            self._write(place, results)
        return found.waiting()

    # Service, cost, age

    def _clock(self, reading: Sequence[Result]) -> None:
        number = store.position(self._data, CLOCK)
        before = store.window(self._data, CLOCK, number)
        last = looking.moment(before[0]["ends"]) if before else None
        if not due.due(last, self._now, self._settings.period_minutes):
            # The table waits for the next look; who has to mend what cannot be read does not.
            self._record(store.as_rows(Place(CLOCK, number, "", ""), reading))
            return
        results = [
            *reading,
            *guarded("service", service_rules.ANSWERS, lambda: self._service(before)),
            *guarded("service", service_rules.TRAFFIC, self._silence),
            *guarded("model", model_rules.STALENESS, self._age),
            *guarded("cost", cost_rules.QUOTAS, self._costs),
        ]
        ends = self._now.isoformat(timespec="seconds")
        self._write(Place(CLOCK, number + 1, (last or self._now).isoformat(timespec="seconds"), ends), results)

    def _service(self, before: Sequence[Mapping[str, Any]]) -> list[Result]:
        try:
            found = looking.counters(self._contract)
        except looking.Down as error:
            return service_rules.down(str(error))
        if found is None:
            return service_rules.none()
        known = [row["facts"][service_rules.COUNTERS] for row in before if service_rules.COUNTERS in row["facts"]]
        return service_rules.up(counts.from_values(known[0]) if known else None, found, self._settings)

    def _silence(self) -> list[Result]:
        last = windows.last_time(self._capture, self._data)
        return [service_rules.traffic(looking.moment(last) if last else None, self._now, self._settings)]

    def _age(self) -> list[Result]:
        served = looking.champion(self._contract)
        since = looking.since(self._contract, served) if served else None
        return [model_rules.staleness(since, self._now, self._settings)]

    def _costs(self) -> list[Result]:
        environment = self._contract.environment
        month = 0.0 if environment == names.EMBEDDED else self._project.manifest.settings(environment).budget_month
        found = usage.measure(self._contract, self._now)
        guard.alert(self._contract, found, self._now)
        return [*cost_rules.quotas(found), cost_rules.budget(month)]

    # What is written

    def _write(self, place: Place, results: Sequence[Result]) -> None:
        store.write(self._data, place, results, self._now)
        self._report.windows.append(Looked(place, tuple(results)))
        self._record(store.as_rows(place, results))

    def _tell(self, source: str) -> None:
        """Problems of the last window of this kind, in case the call that wrote it was killed."""
        rows = store.window(self._data, source, store.position(self._data, source))
        self._record([row for row in rows if row["monitor"] not in _EACH_CALL])  # that is known anew at each call

    def _record(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The events of a window: what is found and what is over."""
        told = telling.of_window(rows, self._project.manifest.monitors, self._events.problems, self._now)
        for one in told.found:
            self._events.found(one.kind, one.facts, one.subject, now=self._now)
        self._events.over(told.over, {"window": rows[0]["window"]} if rows else {}, self._now)
