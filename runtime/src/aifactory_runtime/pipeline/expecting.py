"""What the gate finds of a candidate on its test rows, kept for monitors: figures, by slice too, and calibration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory_runtime import files
from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.gate import cuts, slices, spread
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.cuts import Cut
from aifactory_runtime.gate.spread import Measured
from aifactory_runtime.monitoring import calibration, expected
from aifactory_runtime.monitoring.expected import Expected, Sliced
from aifactory_runtime.pipeline import cutting, slicing
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.registry.port import EXPECTED

MOST_BYTES = 50_000
"""Of a tag; of very many slices the last ones are left out."""
Array = np.ndarray[Any, Any]


def keep(context: Context, handoff: Handoff, schema: InputSchema, labels: Array, said: Answers) -> None:
    """Write what `said` comes to on the test rows, of `labels` of shape (rows,), into the run's folder."""
    found = slicing.of_test(context, handoff, schema)

    def figure(rows: Array) -> Measured | None:
        units = None if found.units is None else found.units[rows]
        return spread.of(context.metric, labels[rows], said.of(rows), units)

    parts = [_sliced(cut, placed.places, figure) for cut, placed in zip(found.cuts, found.placed, strict=True)]
    made = Expected(
        metric=context.metric,
        positive=said.positive,
        whole=figure(np.arange(len(labels))),
        slices=tuple(parts),
        calibration=calibration.of(labels, said),
        kpi=_kpi(context, _recorded(context, handoff, schema), labels, said, found.units),
        groups=tuple(_groups(context, handoff)),
    )
    files.write(handoffs.folder(context.artifacts, handoff.id) / expected.FILE, _fitting(made))


def tags(context: Context, handoff: Handoff) -> dict[str, str]:
    """The tag of the registered version; none for a run that was evaluated by an older runtime."""
    path = handoffs.folder(context.artifacts, handoff.id) / expected.FILE
    return {EXPECTED: path.read_text(encoding="utf-8")} if path.is_file() else {}


def _recorded(context: Context, handoff: Handoff, schema: InputSchema) -> Iterator[dict[str, Any]]:
    """The test rows as a prediction log would have them."""
    version, names = handoff.table(PREPARED, "prepare").version, [column.name for column in schema.columns]
    for frame in tables.batches(context.tables, PREPARED, version, columns=names, where=(split.SPLIT, split.TEST)):
        yield from json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))


def _kpi(
    context: Context, rows: Iterator[dict[str, Any]], labels: Array, said: Answers, units: Array | None
) -> Measured | None:
    """The mean of what `kpi.py` says; None where the repo states none, or labels bring it."""
    stated = context.project.manifest.kpi
    if stated is None or stated.field is not None:
        return None
    says = context.project.science.kpi()
    shares = said.shares
    outputs: Iterator[dict[str, Any]] = ({"prediction": one} for one in said.predicted.tolist())
    if shares is not None:
        pairs = zip(said.predicted.tolist(), shares, strict=True)
        outputs = ({"prediction": one, "probabilities": each.tolist()} for one, each in pairs)
    found = np.array([says(*row) for row in zip(rows, outputs, np.asarray(labels).tolist(), strict=True)])
    there = np.isfinite(found)
    return spread.of_values(found[there], None if units is None else units[there])


def _groups(context: Context, handoff: Handoff) -> Iterator[Cut]:
    """The cuts of the protected columns, without the texts that few test rows have."""
    named = cutting.named(context, handoff, context.settings.gate.fairness.columns, "conf: gate.fairness.columns")
    for cut, placed in zip(named, cutting.placed(cutting.Table(context, handoff, reference=False), named), strict=True):
        yield _without_rare(cut, placed.places, np.bincount(placed.places, minlength=len(cut.names)))[0]


def _fitting(made: Expected) -> str:
    while len(text := expected.encode(made)) > MOST_BYTES:
        made = replace(made, slices=made.slices[:-1])
    return text


def _sliced(cut: Cut, places: Array, figure: Callable[[Array], Measured | None]) -> Sliced:
    cut, places = _without_rare(cut, places, np.bincount(places, minlength=len(cut.names)))
    rows = [np.flatnonzero(places == number) for number in range(len(cut.names))]
    return Sliced(cut, tuple(figure(part) if len(part) >= slices.LEAST_ROWS else None for part in rows))


def _without_rare(cut: Cut, places: Array, counts: Array) -> tuple[Cut, Array]:
    """A text that few test rows have is not named: it might name somebody, and would never be judged."""
    if not isinstance(cut, cuts.Levels):
        return cut, places
    kept = [number for number in range(len(cut.values)) if counts[number] >= slices.LEAST_ROWS]
    named = cuts.Levels(cut.column, tuple(cut.values[number] for number in kept))
    moved = np.full(len(cut.names), len(kept))
    moved[kept] = np.arange(len(kept))
    moved[-1] = len(kept) + 1  # missing
    return named, moved[places]
