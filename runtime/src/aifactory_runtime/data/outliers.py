"""Outliers by column: limits learned from training rows, and what conf does with values beyond them.

`count` only says how many there are. `cap` takes them for the limit, wherever a model sees them: the limits are part of
its input schema. `remove` takes their rows out of training, never out of test.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data import split, tables
from aifactory_runtime.data.counted import Numbers
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd

Limits = tuple[float, float]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
CAP, REMOVE = "cap", "remove"
_NUMBERS = {"number", "integer"}


def chosen(columns: Mapping[str, ColumnSettings], what: str) -> list[str]:
    """The columns whose outliers are treated so."""
    return [name for name, settings in columns.items() if settings.outliers == what]


def check(columns: Mapping[str, ColumnSettings], kinds: Mapping[str, str], unseen: Collection[str]) -> None:
    """UsageProblem for a column without numbers, and for a cap on one that no model sees (`unseen`)."""
    for name, settings in columns.items():
        where = f"conf: data.columns.{name}.outliers: {settings.outliers}"
        if settings.outliers != "count" and kinds.get(name, "number") not in _NUMBERS:
            raise UsageProblem(f"{where} needs a column of numbers: leave it out")
        if settings.outliers == CAP and name in unseen:
            raise UsageProblem(f"{where} changes what a model sees, but no model sees {name}: leave it out, or remove")


def learn(frames: Iterable[pd.DataFrame], names: Sequence[str], sigmas: float) -> dict[str, Limits]:
    """Limits `sigmas` standard deviations from the mean, of training rows in chunks; none for a column of one value.

    They are rounded to a thousandth of that distance, so that the size of the chunks takes no part in them.
    """
    return of_chunks(chunks(frames, names), names, sigmas)


def chunks(frames: Iterable[pd.DataFrame], names: Sequence[str]) -> Iterator[dict[str, Numbers]]:
    """What `of_chunks` needs of each chunk."""
    for frame in frames if names else ():
        yield {name: Numbers.of(row_numbers.numbers(frame[name])) for name in names}


def of_chunks(told: Iterable[Mapping[str, Numbers]], names: Sequence[str], sigmas: float) -> dict[str, Limits]:
    """As `learn`, of what is told of each chunk, in their order."""
    counts = {name: Numbers() for name in names}
    for chunk in told:
        for name, found in chunk.items():
            counts[name].merge(found)
    made = {name: found.limits(sigmas) for name, found in counts.items()}
    return {name: _rounded(*ends) for name, ends in made.items() if all(map(math.isfinite, ends))}


def of_training_rows(folder: Place, version: int, names: Sequence[str], sigmas: float) -> dict[str, Limits]:
    """`learn` from the training rows of a version of the prepared table."""
    if not names:
        return {}
    chosen_rows = (split.SPLIT, split.TRAIN)
    return learn(tables.batches(folder, PREPARED, version, columns=names, where=chosen_rows), names, sigmas)


def count(frames: Iterable[pd.DataFrame], limits: Mapping[str, Limits]) -> dict[str, dict[str, int]]:
    """By column the training rows and the other rows of prepared frames that lie beyond the limits."""
    found = {name: {"training_rows": 0, "other_rows": 0} for name in limits}
    for frame in frames if limits else ():
        trained = (frame[split.SPLIT] == split.TRAIN).to_numpy()
        for name, ends in limits.items():
            far = beyond(frame, name, ends)
            found[name]["training_rows"] += int((far & trained).sum())
            found[name]["other_rows"] += int((far & ~trained).sum())
    return found


def beyond(frame: pd.DataFrame, name: str, limits: Limits) -> Mask:
    """True for each row whose value lies beyond the limits; a missing one does not."""
    values = row_numbers.numbers(frame[name])
    found: Mask = np.isfinite(values) & ((values < limits[0]) | (values > limits[1]))
    return found


def capped(columns: Sequence[Column], limits: Mapping[str, Limits]) -> tuple[Column, ...]:
    """The columns of an input schema with the limits that a model's values are taken for; whole numbers stay whole."""
    made = []
    for column in columns:
        ends = limits.get(column.name)
        if ends is not None and column.kind == "integer":
            ends = _whole(*ends)
        made.append(column if ends is None else replace(column, cap=ends))
    return tuple(made)


def _whole(low: float, high: float) -> Limits:
    """The first and the last whole number within the limits; those around them where there is none."""
    inner = (float(math.ceil(low)), float(math.floor(high)))
    return inner if inner[0] <= inner[1] else (inner[1], inner[0])


def _rounded(low: float, high: float) -> Limits:
    digits = 3 - math.floor(math.log10((high - low) / 2))
    return round(low, digits), round(high, digits)
