"""Cuts a column into named slices: the values of texts, quartiles of numbers and dates, and what is missing.

What the slices are is learned from training rows; any other rows are then put into them, chunk by chunk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import row_hash

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 10
"""Values of a column that have a slice of their own; the others share one."""
MOST_VALUES = 1_000
"""A column of more values, such as a name, is not cut: its slices would be persons, not parts of the table."""
_SHARES = (0.25, 0.5, 0.75)
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Levels:
    """Slices by value, the most frequent first, then any other value, then missing."""

    column: str
    values: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slices by number."""
        own = [f"{self.column} = {value}" for value in self.values]
        return (*own, f"{self.column}: any other", f"{self.column}: missing")

    def place(self, rows: pd.Series[Any]) -> Array:
        """The slice of each row: whole numbers of shape (rows,)."""
        places = {value: number for number, value in enumerate(self.values)}
        other, missing = len(places), len(places) + 1
        codes, values = rows.factorize()
        known = [places.get(str(value), other) for value in values.tolist()]
        slices = np.array([*known, missing], np.int16)
        return np.asarray(slices[codes])  # the code of what is missing is -1: the last one


@dataclass(frozen=True)
class Bins:
    """Slices of numbers or dates in rising order, then missing; a value that equals an edge lies below it."""

    column: str
    edges: tuple[float, ...]
    dates: bool = False
    """Whether the edges are microseconds since 1970."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the slices by number."""
        shown = [moment(edge) if self.dates else f"{edge:.15g}" for edge in self.edges]
        if not shown:
            return (f"{self.column}: any value", f"{self.column}: missing")
        between = [f"{low} < {self.column} ≤ {high}" for low, high in pairwise(shown)]
        return (
            f"{self.column} ≤ {shown[0]}",
            *between,
            f"{self.column} > {shown[-1]}",
            f"{self.column}: missing",
        )

    def place(self, rows: pd.Series[Any]) -> Array:
        """The slice of each row: whole numbers of shape (rows,)."""
        values = numbers(rows, dates=self.dates)
        found = np.searchsorted(np.asarray(self.edges), values, "left")
        return np.where(np.isnan(values), len(self.edges) + 1, found).astype(np.int16)


Cut = Levels | Bins


def levels(column: str, chunks: Iterable[pd.Series[Any]], most: int = MOST_VALUES) -> tuple[Levels | None, int]:
    """The cut of a column by its values, and how many there are; None with more than `most`, when reading ends."""
    counted: Counter[str] = Counter()
    for rows in chunks:
        for value, count in rows.value_counts().items():
            counted[str(value)] += int(count)
        if len(counted) > most:
            return None, len(counted)
    frequent = sorted(counted, key=lambda value: (-counted[value], value))[:MOST_LEVELS]
    return Levels(column, tuple(frequent)), len(counted)


def bins(column: str, chunks: Iterable[pd.Series[Any]], *, dates: bool = False) -> Bins:
    """The cut of a column of numbers or dates at its quartiles, which are values of the column.

    8 bytes a row are held. A value that fills several quarters, such as 0 on most rows, makes fewer slices.
    """
    values = np.concatenate([np.empty(0), *(numbers(rows, dates=dates) for rows in chunks)])
    values = values[~np.isnan(values)]
    if not len(values):
        return Bins(column, (), dates)
    edges = np.unique(np.quantile(values, _SHARES, method="inverted_cdf"))
    return Bins(column, tuple(edges[edges < values.max()].tolist()), dates)


def numbers(rows: pd.Series[Any], *, dates: bool = False) -> Array:
    """A column as float64 of shape (rows,), NaN where missing; dates in microseconds since 1970."""
    if dates:
        moments = rows.to_numpy(dtype="datetime64[us]")
        return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))
    return row_hash.numbers(rows)


def moment(edge: float) -> str:
    """A date, with the time where it is not midnight."""
    return str(np.datetime_as_string(np.datetime64(int(edge), "us"), unit="auto")).replace("T", " ")
