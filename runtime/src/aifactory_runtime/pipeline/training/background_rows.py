"""Takes a model's background rows from its training rows: real ones of public data, else made up column by column.

Of made-up rows no two values come from one row, and a value that could be somebody's own is not kept: numbers and dates
are quantiles, rounded; a text that is not frequent is words. Missing values are as frequent as in the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.background import ROWS, Background
from aifactory_runtime.registry.model_folder import Column, InputSchema

SAMPLE = 10_000
"""Training rows that made-up columns are made from."""
FREQUENT = 10
"""A text that so many of them have is nobody's own."""
_DIGITS = 3
"""Of a made-up number, of the spread of its column."""
_MOST_LETTERS = 1_000
_WORDS = ("about", "after", "blue", "early", "green", "late", "more", "never", "often", "plain", "quick", "slow")
Array = np.ndarray[Any, Any]
Draw = np.random.Generator


def draw(context: Context, handoff: Handoff, schema: InputSchema) -> Background:
    """The background rows of a model that learned from the run's training rows; the seed of the settings decides."""
    public = context.project.manifest.data_classification == "public"
    chance = np.random.default_rng(context.settings.train.seed)
    found = _sample(context, handoff, schema, ROWS if public else SAMPLE, chance)
    if public:
        real = {column.name: tuple(_plain(found[column.name], column)) for column in schema.columns}
        return Background(real, made_up=False)
    return Background(made_up(found, schema, chance), made_up=True)


def made_up(found: Mapping[str, Array], schema: InputSchema, chance: Draw) -> dict[str, tuple[Any, ...]]:
    """`ROWS` values of each column of `found`, every column by itself."""
    return {column.name: tuple(_made_up(found[column.name], column, chance)) for column in schema.columns}


def _sample(context: Context, handoff: Handoff, schema: InputSchema, most: int, chance: Draw) -> dict[str, Array]:
    """Raw columns of `most` training rows, drawn by chance; of all of them when there are not more."""
    version = handoff.table(PREPARED, "prepare").version
    where = (split.SPLIT, split.TRAIN)
    count = tables.count(context.tables, PREPARED, version, where)
    places = np.sort(chance.choice(count, min(most, count), replace=False))
    names = [column.name for column in schema.columns]
    taken: dict[str, list[Array]] = {name: [] for name in names}
    start = 0
    for chunk in tables.batches(context.tables, PREPARED, version, columns=names, where=where):
        here = places[(places >= start) & (places < start + len(chunk))] - start
        start += len(chunk)
        for name, values in arrays.raw(chunk.iloc[here], schema).items():
            taken[name].append(values)
    return {name: np.concatenate(parts) for name, parts in taken.items()}


def _made_up(values: Array, column: Column, chance: Draw) -> list[Any]:
    known = values[~_missing(values)]
    gaps = round(ROWS * (1 - len(known) / len(values))) if column.nullable else 0
    if not len(known):
        return [None] * ROWS
    if column.kind == "text":
        made = _texts(known, chance)
    elif column.kind in {"category", "boolean"}:
        made = _plain(chance.choice(known, ROWS), column)
    else:
        made = _plain(_quantiles(known, column), column)
    made = [made[place] for place in chance.permutation(ROWS)]
    return [None if place < gaps else value for place, value in enumerate(made)]


@np.errstate(all="ignore")
def _quantiles(known: Array, column: Column) -> Array:
    """Values at even shares of the rows, rounded, within the column's limits."""
    numbers = known.astype("datetime64[us]").astype(np.int64) if column.kind == "date" else known
    shares = (np.arange(ROWS) + 0.5) / ROWS
    found = np.quantile(numbers.astype(np.float64), shares)
    if not np.isfinite(found).all():  # between numbers so far apart that their difference is none
        found = np.quantile(numbers.astype(np.float64), shares, method="lower")
    spread = float(found[-1] - found[0])
    if spread > 0 and math.isfinite(spread):
        step = 10.0 ** (math.floor(math.log10(spread)) + 1 - _DIGITS)
        rounded = np.round(found / step) * step
        found = np.where(np.isfinite(rounded), rounded, found)
    if column.kind == "number":
        return np.clip(found, numbers.min(), numbers.max())
    low, high = int(numbers.min()), int(numbers.max())
    return np.array([min(max(round(one), low), high) for one in found.tolist()], dtype=numbers.dtype)


def _texts(known: Array, chance: Draw) -> list[str]:
    """Texts as frequent as in the table; in place of one that is not frequent, words of about its length."""
    values, counts = np.unique(known.astype(str), return_counts=True)
    frequent = set(values[counts >= FREQUENT].tolist())
    return [text if text in frequent else _words(len(text), chance) for text in chance.choice(known, ROWS)]


def _words(letters: int, chance: Draw) -> str:
    made = str(chance.choice(_WORDS))
    while len(made) < min(letters, _MOST_LETTERS):
        made += " " + str(chance.choice(_WORDS))
    return made


def _missing(values: Array) -> Array:
    if values.dtype.kind == "O":
        return np.array([value is None for value in values], dtype=np.bool_)
    missing: Array = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values.astype(np.float64))
    return missing


def _plain(values: Array, column: Column) -> list[Any]:
    """Values as JSON has them."""
    if column.kind == "date":
        dates = values.astype("datetime64[us]").tolist()
        return [None if date is None else date.isoformat() for date in dates]
    given = [None if missing else value for missing, value in zip(_missing(values), values.tolist(), strict=True)]
    as_json: dict[str, Callable[[Any], Any]] = {"number": float, "integer": round, "boolean": bool}
    return [None if value is None else as_json.get(column.kind, str)(value) for value in given]
