"""A run's model as a service has it: asked about strange rows, explained twice, weighed and timed."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.columns import matrix, raw_columns
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.gate import footprint, stability, stress
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.monitoring import profile as profiles
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.registry.explanation import Columns, Score
from aifactory_runtime.registry.model_folder import InputSchema

_ROWS = 10
"""Test rows that are changed, explained and timed."""
_TIMES, _SECONDS = 30, 0.5
"""So many answers are timed, or as many as this takes."""
Array = np.ndarray[Any, Any]


class Measured:
    """The model of a run, and a few test rows as the service gets them."""

    def __init__(self, context: Context, handoff: Handoff, place: Path, estimator: Any, schema: InputSchema) -> None:
        self._settings, self._place, self._estimator, self._schema = context.settings, place, estimator, schema
        self._features = context.project.science.features()
        version = handoff.table(PREPARED, "prepare").version
        names = [column.name for column in schema.columns]
        where = (split.SPLIT, split.TEST)
        first = next(tables.batches(context.tables, PREPARED, version, columns=names, where=where, rows=_ROWS))
        self._rows = arrays.raw(first.head(_ROWS), schema)

    def stress(self, learned: Array) -> Evidence:
        """Answers to rows as training never had them; `learned` are the labels of the training rows."""
        limits = self._settings.gate.limits
        bounds = None
        if not self._schema.classes:
            low, high = float(np.min(learned)), float(np.max(learned))
            more = limits.answer_factor * (high - low)
            bounds = (low - more, high + more)
        found = stress.cases(self._schema.columns, self._ranges())
        return stress.of(self._rows, found, self._ask, bounds, refuse=limits.stress == "refuse")

    def explanations(self) -> Evidence:
        """How far explanations depend on the order in which columns are looked at."""
        kept = model_folder.read_background(self._place)
        background = {} if kept is None else raw_columns(kept.columns, self._schema)
        count = min(stability.rows(len(self._schema.columns)), len(next(iter(self._rows.values()), ())))
        given = [{name: values[[row]] for name, values in self._rows.items()} for row in range(count)]
        least = self._settings.gate.limits.explanation_agreement
        return stability.of(given, background, self._score, len(self._schema.features), least)

    def footprint(self) -> Evidence:
        """Bytes on disk, memory once loaded, milliseconds for one row in this process."""
        size = sum(path.stat().st_size for path in self._place.rglob("*") if path.is_file())
        trusted = self._settings.train.trusted_types
        again = footprint.loaded_twice(size)
        memory = _memory(lambda: model_folder.load_estimator(self._place, trusted)) if again else size
        found = footprint.Footprint(size, max(memory, size), self._latency())
        return footprint.of(found, self._settings.gate.limits)

    def _ranges(self) -> dict[str, tuple[float, float]]:
        """Between which all but a few of the training rows lie, of columns of numbers."""
        kept = model_folder.read_profile(self._place)
        found = {} if kept is None else profiles.from_values(kept)
        return {
            name: (one.low, one.high) for name, one in found.items() if one.low is not None and one.high is not None
        }

    def _answered(self, columns: Columns) -> tuple[Array, Array | None]:
        """As the service explains; ValueError where features are infinite."""
        values = matrix(self._features(columns), self._schema)
        if np.isinf(values).any():
            raise ValueError("features are infinite")
        return answers.of(self._estimator, values, self._schema.classes)

    def _ask(self, columns: Columns) -> Array:
        """As the service answers: it refuses features that are missing in a row where nothing was."""
        values = matrix(self._features(columns), self._schema)
        missing = np.any([_missing(column) for column in columns.values()], axis=0)
        if np.isinf(values).any() or (np.isnan(values).any(axis=1) & ~missing).any():
            raise ValueError("features are not finite")
        predicted, shares = answers.of(self._estimator, values, self._schema.classes)
        return predicted if shares is None else shares

    def _score(self, row: Columns) -> Score:
        """What explains the answer to a row: the number, or the probability of the class that is answered."""
        _, shares = self._answered(row)
        place = None if shares is None else int(shares[0].argmax())

        def score(columns: Columns) -> Array:
            with np.errstate(all="ignore"):
                predicted, told = self._answered(columns)
            found = predicted if told is None else told[:, place]
            if not np.isfinite(found).all():
                raise ValueError("an answer is not finite")
            return np.asarray(found)

        return score

    def _latency(self) -> float:
        row = {name: values[:1] for name, values in self._rows.items()}
        try:
            with np.errstate(all="ignore"):
                self._ask(row)
                return _median_ms(lambda: self._ask(row))
        except ValueError:
            return 0.0


def _missing(values: Array) -> Array:
    if values.dtype.kind == "M":
        return np.isnat(values)
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([value is None for value in values.tolist()])


def _median_ms(work: Callable[[], object]) -> float:
    took: list[float] = []
    until = time.perf_counter() + _SECONDS
    while len(took) < _TIMES and (not took or time.perf_counter() < until):
        began = time.perf_counter()
        work()
        took.append(1_000 * (time.perf_counter() - began))
    return statistics.median(took)


def _memory(load: Callable[[], object]) -> int:
    """Bytes that Python and numpy take for what is loaded; what a library takes by itself is not seen."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        held = load()
        found = tracemalloc.get_traced_memory()[0] - before
        del held
        return max(0, found)
    finally:
        tracemalloc.stop()
