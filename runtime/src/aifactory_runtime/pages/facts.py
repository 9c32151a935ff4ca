"""Reads all that the pages show of an environment. What cannot be read is named, and the rest is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aifactory_runtime import files
from aifactory_runtime.audit import line
from aifactory_runtime.audit import log as audit
from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.capture import moving
from aifactory_runtime.config import credentials
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.events.problems import Problems
from aifactory_runtime.labels.compaction import LABELS
from aifactory_runtime.monitoring import store, windows
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.quota import usage
from aifactory_runtime.quota.usage import Usage
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry import looking
from aifactory_runtime.registry.port import CHALLENGER, Version
from aifactory_runtime.serving.callers import Caller, Callers
from aifactory_runtime.serving.document import Document, ServingFolder
from aifactory_runtime.triggers import log as requests_log
from aifactory_runtime.triggers.request import Request

LOOKS, WINDOWS, RUNS, LINES, MONTHS = 48, 30, 20, 40, 6
"""How many of the newest are shown."""
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Models:
    """What the registry says."""

    champion: Version | None = None
    challenger: Version | None = None
    versions: tuple[Version, ...] = ()
    """The newest, oldest first."""


@dataclass(frozen=True)
class Audited:
    """The audit log: what its chain is worth, and its newest lines, newest first."""

    verification: Verification = field(default_factory=lambda: Verification(0, line.START, None))
    lines: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Facts:
    """How a use case stands in one environment; `unread` says what of it could not be read, and why."""

    project: Project
    now: datetime
    problems: Problems = field(default_factory=Problems)
    looks: tuple[store.Window, ...] = ()
    """Looks at service, age and cost, oldest first."""
    traffic: tuple[store.Window, ...] = ()
    """Windows of predictions, or of batches where no service answers, oldest first."""
    labelled: tuple[store.Window, ...] = ()
    """Windows of labelled predictions, oldest first."""
    predictions: int = 0
    labels: int = 0
    served: Document | None = None
    models: Models = field(default_factory=Models)
    runs: tuple[Handoff, ...] = ()
    """Runs of the pipeline here, newest first."""
    requests: tuple[Request, ...] = ()
    """Requests to train again, newest first."""
    callers: tuple[tuple[Caller, float], ...] = ()
    """Who has a token for the service, and until when, as `Callers.bearers` says; none where it asks for none."""
    usage: tuple[Usage, ...] = ()
    hours: tuple[tuple[str, float], ...] = ()
    """Hours of compute by month, oldest first."""
    audited: Audited = field(default_factory=Audited)
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def contract(self) -> EnvironmentContract:
        """The environment."""
        return self.project.environment.contract


def read(project: Project, now: datetime) -> Facts:
    """Everything as it is now. Nothing here raises a FactoryError: what cannot be read is in `unread`."""
    reading = _Reading(project, now)
    found = Facts(
        project,
        now,
        problems=reading.of("events", reading.problems, Problems()),
        looks=reading.of("service", lambda: reading.windows(store.CLOCK, LOOKS), ()),
        traffic=reading.of("data", lambda: reading.windows(reading.traffic, WINDOWS), ()),
        labelled=reading.of("labelled predictions", lambda: reading.windows(store.LABELS, WINDOWS), ()),
        predictions=reading.of("predictions", reading.predictions, 0),
        labels=reading.of("labels", reading.labels, 0),
        served=reading.of("what is served", reading.served, None),
        models=reading.of("models", reading.models, Models()),
        runs=reading.of("runs", reading.runs, ()),
        requests=reading.of("requests", reading.requests, ()),
        callers=reading.of("callers", reading.callers, ()),
        usage=reading.of("quotas", lambda: tuple(usage.measure(reading.contract, now)), ()),
        hours=reading.of("compute", reading.hours, ()),
        audited=reading.of("audit", reading.audited, Audited()),
    )
    return replace(found, unread=reading.unread)


class _Reading:
    """Reads part by part, and remembers what failed."""

    def __init__(self, project: Project, now: datetime) -> None:
        self.contract = project.environment.contract
        self.unread: dict[str, str] = {}
        self._now = now
        self._data = Path(self.contract.data_uri)
        self._capture = Path(self.contract.capture_uri)
        self._artifacts = Path(self.contract.artifact_uri)

    def of(self, part: str, read: Callable[[], _Read], otherwise: _Read) -> _Read:
        try:
            return read()
        except FactoryError as error:
            self.unread[part] = str(error)
        except OSError as error:
            self.unread[part] = f"{error.filename or 'a file'}: {error.strerror or error}"
        return otherwise

    def problems(self) -> Problems:
        found = record.read(Path(self.contract.events_uri))
        if found.damaged:
            self.unread["events"] = "; ".join(found.damaged)
        return found.problems

    def windows(self, source: str, most: int) -> tuple[store.Window, ...]:
        return tuple(store.newest(self._data, source, most))

    def predictions(self) -> int:
        """Those of the service that were ever recorded, and the rows of batches that are kept."""
        scored = self._rows(tables.SCORED) if self.contract.scoring != "online" else 0
        return scored + (windows.newest(self._capture, self._data) if self._capture.is_dir() else 0)

    def _rows(self, table: str) -> int:
        there = tables.latest(self._data, table) is not None
        return tables.count(self._data, table) if there else 0

    @property
    def traffic(self) -> str:
        """Which windows say what callers send, or batches bring."""
        return store.BATCHES if self.contract.scoring == "batch" else store.TRAFFIC

    def labels(self) -> int:
        return self._rows(tables.LABELS) + (moving.waiting(self._capture, LABELS) if self._capture.is_dir() else 0)

    def served(self) -> Document | None:
        return ServingFolder(Path(self.contract.release_uri)).read()

    def models(self) -> Models:
        registry = looking.at(self.contract, credentials.of(self.contract))
        versions = tuple(registry.newest(RUNS))
        return Models(champions.champion(registry), registry.by_alias(CHALLENGER), versions)

    def runs(self) -> tuple[Handoff, ...]:
        """A run whose handoff is damaged is left out: the next command that needs it says so."""
        found = []
        for name in reversed(files.names(self._artifacts / "runs")):
            try:
                found.append(handoffs.load(self._artifacts, name))
            except FactoryError:
                continue
            if len(found) == RUNS:
                break
        return tuple(found)

    def requests(self) -> tuple[Request, ...]:
        if self.contract.triggers_uri is None:
            return ()
        known = requests_log.read(requests_log.folder(self.contract)).by_key.values()
        return tuple(sorted(known, key=lambda one: one.asked, reverse=True)[:RUNS])

    def callers(self) -> tuple[tuple[Caller, float], ...]:
        place = self.contract.endpoint_callers_uri
        return () if place is None else tuple(Callers(Path(place)).bearers(self._now.timestamp()))

    def hours(self) -> tuple[tuple[str, float], ...]:
        months, first = [], self._now.replace(day=1)
        for _ in range(MONTHS):
            months.append(first)
            first = (first - timedelta(days=1)).replace(day=1)
        found = [(f"{month:%Y-%m}", usage.compute_hours(self.contract, month)) for month in reversed(months)]
        return tuple(found) if any(hours for _, hours in found) else ()

    def audited(self) -> Audited:
        folder = Path(self.contract.audit_uri)
        found = audit.verify(folder)
        lines = _newest_lines(folder / audit.FILE) if found.lines else ()
        return Audited(found, lines)


def _newest_lines(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The newest lines that can be read, newest first; `verify` names one that cannot."""
    found = []
    for one in reversed(path.read_bytes().splitlines()[-LINES:]):
        try:
            entry = json.loads(one)
            found.append({key: entry[key] for key in ("sequence", "time", "action", "who", "facts")})
        except (ValueError, LookupError, TypeError):
            continue
    return tuple(found)
