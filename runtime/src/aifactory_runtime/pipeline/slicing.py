"""The slices of one run: which columns are cut, by what training rows say, and where the judged rows lie in them.

Judged are the rows that the gate compares on: those of the frozen reference beside a champion, else the test rows. Rows
come in chunks; of each column only the number of each row's slice is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.gate import cuts, paired, slices
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.cuts import Cut
from aifactory_runtime.gate.slices import Judged, Placed, Slices
from aifactory_runtime.pipeline import cutting, scores, together
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.cutting import Table
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.model_folder import InputSchema

CSV = "slices.csv"
MOST_COLUMNS = 20
"""Columns that are cut without being named."""
_SETTING = "conf: gate.slices.columns"
_CUT_BY_ITSELF = frozenset({"category", "boolean"})
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Said:
    """What the models say of the rows that are judged: labels of shape (rows,), and answers to as many rows."""

    labels: Array
    candidate: Answers
    champion: Answers | None = None
    """None where none is compared: then these are the test rows, else the frozen reference."""


def check(context: Context, handoff: Handoff) -> None:
    """UsageProblem when a column that the settings name is not there or cannot be cut: said before the training."""
    cutting.named(context, handoff, context.settings.gate.slices.columns, _SETTING)


def of(context: Context, handoff: Handoff, schema: InputSchema, said: Said, learned: Array) -> Slices:
    """The figures by slice; `learned` are the labels of the training rows, which make the baseline."""
    table = cutting.Table(context, handoff, reference=said.champion is not None)
    settings, positive = context.settings, context.settings.gate.positive_class
    named = cutting.named(context, handoff, context.settings.gate.slices.columns, _SETTING)
    found, notes = (named, []) if named else _by_itself(context, handoff, schema)
    there, gone = _in(table, found)
    placed = cutting.placed(table, there)
    if not named:
        dull = [one.column for one in placed if not _tells(one)]
        placed = [one for one in placed if one.column not in dull]
        gone += (
            [f"no slices of {', '.join(dull)}: fewer than two of them have {slices.LEAST_ROWS} rows"] if dull else []
        )
    constant = scores.baseline(learned, len(said.labels), schema.classes, context.metric)
    shares = constant if schema.classes else None
    guess = np.asarray(schema.classes)[constant.argmax(axis=1)] if schema.classes else constant
    judged = Judged(
        rows="the frozen reference" if table.reference else "the test rows",
        labels=said.labels,
        candidate=said.candidate,
        baseline=Answers(guess, shares, schema.classes, positive),
        champion=said.champion,
        units=_units(context, handoff, table),
    )

    def score(labels: Array, answers: Answers) -> float | None:
        figures = scores.of_answers(labels, answers.judged, answers.classes, answers.positive)
        return figures.get(context.metric)

    margin, seed = settings.gate.slices.margin, settings.train.seed
    return slices.of(context.metric, judged, placed, score, margin=margin, notes=[*notes, *gone], seed=seed)


@dataclass(frozen=True)
class Cuts:
    """The columns of the test rows that are cut, the slice of each row in each, and which rows belong together."""

    cuts: tuple[Cut, ...]
    placed: tuple[Placed, ...]
    units: Array | None


def of_test(context: Context, handoff: Handoff, schema: InputSchema) -> Cuts:
    """The test rows in the slices that the settings ask for, or that are made without being named."""
    table = cutting.Table(context, handoff, reference=False)
    named = cutting.named(context, handoff, context.settings.gate.slices.columns, _SETTING)
    found = named or _by_itself(context, handoff, schema)[0]
    return Cuts(tuple(found), tuple(cutting.placed(table, found)), _units(context, handoff, table))


def _by_itself(context: Context, handoff: Handoff, schema: InputSchema) -> tuple[list[Cut], list[str]]:
    """The cuts of categories and truth values that have few values, and a note when there are too many of them."""
    made: list[Cut] = []
    for column in schema.columns:
        if column.kind not in _CUT_BY_ITSELF:
            continue
        cut, _ = cuts.levels(column.name, cutting.training(context, handoff, column.name), cuts.MOST_LEVELS)
        if cut is not None and len(made) == MOST_COLUMNS:
            return made, [f"slices of the first {MOST_COLUMNS} columns only: name others in gate.slices.columns"]
        made += [cut] if cut is not None else []
    return made, []


def _in(table: Table, found: Sequence[Cut]) -> tuple[list[Cut], list[str]]:
    """The cuts whose columns are among the judged rows, and a note for each of the others.

    A frozen reference may be older than a column that no model reads.
    """
    there = [cut for cut in found if cut.column in table.types and cutting.fits(cut, table.types[cut.column])]
    return there, [
        f"no slices of {cut.column}: the frozen reference does not have it as the table has; "
        "run --new-reference makes one that does"
        for cut in found
        if cut not in there
    ]


def _tells(placed: Placed) -> bool:
    """Whether a column that nobody named has two slices that can be judged."""
    counts = np.bincount(placed.places, minlength=1)
    return int((counts >= slices.LEAST_ROWS).sum()) > 1


def _units(context: Context, handoff: Handoff, table: Table) -> Array | None:
    """What belongs together among the judged rows, by a column that they have; None where each counts alone."""
    found = next((one for one in together.of(context, handoff) if one.column in table.types), None)
    if found is None:
        return None
    values = found.values(table.chunks([found.column]))
    return paired.blocks(values) if found.by_time else values
