"""The model's figures by its labels: each labelled window once, and how far the next one is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.contract.recording import treatment
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate import fairness, metrics
from aifactory_runtime.gate.spread import Measured
from aifactory_runtime.monitoring import expected, fairness_rules, labelled, looking, model_rules, models, store
from aifactory_runtime.monitoring.fairness_rules import FAIRNESS
from aifactory_runtime.monitoring.labelled import Point, Rows, Wanted
from aifactory_runtime.monitoring.model_rules import Margins
from aifactory_runtime.monitoring.models import Model
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.monitoring.store import Place
from aifactory_runtime.monitoring.traffic import guarded

if TYPE_CHECKING:
    from aifactory_runtime.config.project import Project
    from aifactory_runtime.monitoring.expected import Expected

SOURCE = store.LABELS
_NOT_SENT = "no request has the column (IGNORED in schema.py): the groups of its predictions are not known"
_NOT_AS_IT_CAME = {
    "drop": "capture_columns drops the column before it is recorded: the groups of its predictions are not known",
    "hash": "capture_columns records a hash of the column: the groups of its predictions are not known",
}
_POINT = "point"


class Quality:
    """The labelled windows of one environment's champion."""

    def __init__(self, project: Project, now: datetime) -> None:
        self._project = project
        self._contract = project.environment.contract
        self._data = Path(self._contract.data_uri)
        self._folder = Path(self._contract.artifact_uri) / expected.FOLDER
        self._size: int = project.settings.monitoring.label_rows
        self._now = now

    def windows(self) -> Iterator[tuple[Place, list[Result]]]:
        """Each window that has closed; who takes one writes it before the next is asked for."""
        sha256 = looking.champion(self._contract)
        after = self._point()
        found = labelled.come(self._contract, after)
        if sha256 is None or found.count < self._size:  # a window has a label each: no prediction has to be read
            return
        model = models.find(self._folder, Path(self._contract.release_uri), sha256)
        known = model.expected
        wanted, settings = self._wanted(sha256, model, known), self._project.manifest.labels
        rows = labelled.read(self._contract, settings, wanted, after, self._now)
        for number, window in enumerate(labelled.windows(rows, self._size) if rows else ()):
            left = max(0, found.count - self._size * (number + 1))
            point = Point(*window.places[-1], found.newest, left)
            late = found.late if number == 0 else 0
            yield self._place(window, sha256), [*_facts(window, point, late), *self._of_window(window, model, known)]

    def waiting(self) -> list[Result]:
        """What is said between windows."""
        found = labelled.come(self._contract, self._point())
        also = (FAIRNESS,) if self._project.settings.gate.fairness.columns else ()
        return model_rules.waiting(found.count, self._size, ever=bool(store.position(self._data, SOURCE)), also=also)

    def _point(self) -> Point:
        last = store.window(self._data, SOURCE, store.position(self._data, SOURCE))
        found = [row["facts"][_POINT] for row in last if _POINT in row["facts"]]
        return Point(**found[0]) if found else Point()

    def _wanted(self, sha256: str, model: Model, known: Expected | None) -> Wanted:
        stated, gate = self._project.manifest.kpi, self._project.settings.gate
        says = self._project.science.kpi() if stated is not None and stated.field is None else None
        cuts = tuple(one.cut for one in known.slices) if known else ()
        positive, groups = (known.positive, known.groups) if known else (gate.positive_class, ())
        return Wanted(sha256, model.schema, positive, cuts, groups, says)

    def _place(self, window: Rows, sha256: str) -> Place:
        number = store.position(self._data, SOURCE) + 1
        begins, ends = window.places[0][0], window.places[-1][0]
        return Place(SOURCE, number, begins, ends, len(window.places), None, window.version, sha256)

    def _of_window(self, window: Rows, model: Model, known: Expected | None) -> list[Result]:
        last = store.window(self._data, SOURCE, store.position(self._data, SOURCE))
        before = model_rules.over(last) if last and last[0]["model_sha256"] == model.folder.name else set()
        gate, manifest = self._project.settings.gate, self._project.manifest
        metric = known.metric if known else metrics.chosen(gate.metric, manifest.problem)
        margins = Margins(metric, gate.max_loss_to_champion, manifest.kpi)

        def look() -> list[Result]:
            return model_rules.of_window(window.labelled, known, self._usual_kpi(model, known), margins, before)

        def look_at_groups() -> list[Result]:
            return fairness_rules.of_window(window.labelled, self._fairness(model, known), before)

        return [*guarded("model", model_rules.FIGURES, look), *guarded("model", FAIRNESS, look_at_groups)]

    def _fairness(self, model: Model, known: Expected | None) -> fairness_rules.Wanted:
        """By what groups are judged: the gate's settings, and the groups that were kept with the model."""
        settings, sent = self._project.settings.gate.fairness, {column.name for column in model.schema.columns}
        treated = {name: treatment(self._contract.capture_columns, name) for name in settings.columns}
        absent = {name: _NOT_AS_IT_CAME[one] for name, one in treated.items() if one != "keep"}
        absent |= {name: _NOT_SENT for name in settings.columns if name not in sent}
        metric = fairness.chosen(settings.metric, self._project.manifest.problem)
        groups = known.groups if known else ()
        return fairness_rules.Wanted(settings.columns, metric, settings.limit, groups, absent)

    def _usual_kpi(self, model: Model, known: Expected | None) -> Measured | None:
        """What the KPI of the champion's rows usually is: at the gate, else in its first labelled windows, for good."""
        stated = self._project.manifest.kpi
        if stated is None:
            return None
        if stated.field is None and known is not None and known.kpi is not None:
            return known.kpi
        path = model.folder / f"kpi-{stated.name}.json"
        try:
            return Measured(**files.read_json(path))
        except FileNotFoundError:
            pass
        except (ValueError, TypeError):
            raise FactoryError(f"{path} is damaged: take it away, then it is made again") from None
        found = store.of_model(self._data, model.folder.name, model_rules.KPI, stated.name)
        made = model_rules.pooled(found[: model_rules.OWN_WINDOWS])
        if len(found) < model_rules.OWN_WINDOWS or made is None:
            return None
        files.write(path, json.dumps(asdict(made)))
        return made


def _facts(window: Rows, point: Point, late: int) -> list[Result]:
    """Where the window ended, for the next one, and what came too late for those before."""
    rows = Result("model", model_rules.LABELS, value=float(len(window.places)), facts={_POINT: asdict(point)})
    return [rows, Result("model", model_rules.LATE, value=float(late))]
