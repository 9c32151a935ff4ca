"""The rows a model learns from and is chosen by, and the folder that the fitted model is written to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.data import declared, outliers, split, tables
from aifactory_runtime.data.columns import Matrix
from aifactory_runtime.data.tables import PREPARED, REFERENCE
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate.metrics import REGRESSION
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reads import Reads
from aifactory_runtime.pipeline.training import chunks, parted
from aifactory_runtime.pipeline.training.parted import Parted
from aifactory_runtime.registry.model_folder import Belongs, InputSchema, Label

if TYPE_CHECKING:
    import pandas as pd

MEASURED_ROWS = 50_000
"""Training rows that figures are taken from; validation has fewer anyway."""
_MODEL = "model"
_MIN_CLASSES = 2
Labels = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rows:
    """Matrix of shape (rows, features) and labels of shape (rows,)."""

    values: Matrix
    labels: Labels

    def of(self, places: Labels) -> Rows:
        """Those at some places."""
        return Rows(self.values[places], self.labels[places])


@dataclass(frozen=True)
class TrainingData:
    """What training sees: the schema with its features and classes pinned, training and validation rows."""

    schema: InputSchema
    train: Rows
    validation: Rows
    positive: Label | None = None
    """Of two classes the one that f1 is of, where the settings name one."""
    unread: tuple[str, ...] = ()
    """Raw columns that a request must bring and that features.py does not read."""
    parted: Parted | None = None
    """All training rows, where they are not held at once: `train` are some of them then, evenly spread."""
    parted_validation: Parted | None = None
    """The validation rows once more, for who watches them by partition."""

    @property
    def rows(self) -> int:
        """How many rows the model learns from."""
        return len(self.train.labels) if self.parted is None else self.parted.rows


@dataclass(frozen=True)
class Spread:
    """Training by partition: who computes, and whether the network between them was declared private."""

    executor: Executor
    private: bool = False


def load(context: Context, handoff: Handoff, spread: Spread | None = None) -> TrainingData:
    """Training and validation rows of the prepared table; FactoryError when nothing can be learned from them.

    With `spread` the training rows are never held at once.
    """
    science = context.project.science
    table = handoff.table(PREPARED, "prepare").version
    columns = declared.input_columns(science.schema(), science.target(), science.ignored())
    settings = context.settings.data
    names = outliers.chosen(settings.columns, outliers.CAP)
    limits = outliers.of_training_rows(context.tables, table, names, settings.outlier_sigmas)
    columns = outliers.capped(columns, limits)
    features = Reads(science.features(), science.ignored())
    declares = InputSchema(science.target(), columns, (), (), science.ignored())
    schema = arrays.pin_split(context.tables, table, split.TRAIN, declares, features)
    problem = context.project.manifest.problem
    if spread is None:
        train = Rows(*arrays.load(context.tables, table, split.TRAIN, schema, features))
        schema = replace(schema, classes=_classes(train.labels, schema.target, problem))
    else:
        learned = _parted(context, table, split.TRAIN, schema, spread)
        seen = parted.look(learned, MEASURED_ROWS, numbers=problem == REGRESSION)
        train = Rows(seen.values, seen.labels)
        schema = replace(schema, classes=_classes(seen.different, schema.target, problem))
    positive = context.settings.gate.positive_class
    if positive is not None and positive not in schema.classes:
        raise UsageProblem(
            f"conf: gate.positive_class is no class of {schema.target}: write one of them, or leave it out"
        )
    unread = tuple(column.name for column in columns if column.name not in features.names)
    made = TrainingData(schema, train, rows(context, handoff, split.VALIDATION, schema), positive, unread)
    if spread is None:
        return made
    watched = _parted(context, table, split.VALIDATION, schema, spread)
    return replace(
        made,
        parted=_parted(context, table, split.TRAIN, schema, spread),
        parted_validation=replace(watched, how=replace(watched.how, known_only=True)),
    )


def _parted(context: Context, table: int, name: str, schema: InputSchema, spread: Spread) -> Parted:
    """The rows of one split by partition."""
    found = chunks.of(context.tables, table, name)
    how = parted.How(schema, context.project.science.features())
    return Parted(tuple(found), how, spread.executor, spread.private)


def rows(context: Context, handoff: Handoff, name: str, schema: InputSchema) -> Rows:
    """The rows of one split as the model takes them."""
    table = handoff.table(PREPARED, "prepare").version
    return Rows(*arrays.load(context.tables, table, name, schema, context.project.science.features()))


def learned_labels(context: Context, handoff: Handoff, schema: InputSchema) -> Labels:
    """Labels of the training rows, without their matrix."""
    table = handoff.table(PREPARED, "prepare").version
    return arrays.load_labels(context.tables, table, split.TRAIN, schema.target)


def test_column(context: Context, handoff: Handoff, column: str) -> Iterator[pd.DataFrame]:
    """One column of the test rows, in the order of `rows`."""
    table = handoff.table(PREPARED, "prepare").version
    return tables.batches(context.tables, PREPARED, table, columns=[column], where=(split.SPLIT, split.TEST))


def reference(context: Context, handoff: Handoff, schema: InputSchema, features: arrays.Features) -> Rows:
    """The rows of the frozen reference as the model takes them."""
    table = handoff.table(REFERENCE, "prepare").version
    return Rows(*arrays.load_reference(context.tables, table, schema, features))


def place(context: Context, handoff: Handoff) -> Path:
    """Where the run's model lies."""
    return handoffs.folder(context.artifacts, handoff.id) / _MODEL


def belongs(context: Context, handoff: Handoff, schema: InputSchema) -> Belongs:
    """What a release must find together with the model."""
    return Belongs(
        commit=handoff.commit,
        code_sha256=handoff.code_sha256,
        lock_sha256=handoff.lock_sha256,
        schema_sha256=declared.digest(schema.columns, schema.target),
        problem=context.project.manifest.problem,
        science_sha256=handoff.science_sha256,
    )


def _classes(labels: Labels, target: str, problem: str) -> tuple[Label, ...]:
    """The classes that occur, sorted as scikit-learn sorts them; none for a regression."""
    if problem == REGRESSION:
        _check_numbers(labels, target)
        return ()
    found: Sequence[Label] = np.unique(labels).tolist()
    if len(found) < _MIN_CLASSES:
        raise FactoryError(f"the training rows hold one class of {target} only: the pipeline needs more data")
    return tuple(found)


def _check_numbers(labels: Labels, target: str) -> None:
    if labels.dtype.kind not in "iuf":
        raise UsageProblem(f"{target} holds no numbers: a regression needs some; write problem: classification")
    if not np.isfinite(labels).all():
        raise FactoryError(f"{target} holds missing or infinite numbers: take those rows out")
    if (labels == labels[0]).all():
        raise FactoryError(f"{target} is the same in all training rows: there is nothing to learn")
