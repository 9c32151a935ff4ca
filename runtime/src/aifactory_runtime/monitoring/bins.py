"""Bins of a column: rows of a window are counted into them, and only the counts are kept.

A column of numbers has a bin between each two of its 20-quantiles, one for each value that equals a quantile (a column
that is 0 on 98 % of its rows would else have no bins), and one for what is missing. A column of categories has a bin
for each frequent value, one for all others, one for what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

QUANTILES = 20
MOST_CATEGORIES = 100
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Numbers:
    """Bins in order of value: missing, below the first edge, equal to it, between it and the second, ..."""

    edges: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many bins there are."""
        return 2 * len(self.edges) + 2

    def place(self, column: pa.ChunkedArray) -> Array:
        """The bin of each row, whole numbers of shape (rows,)."""
        values = numbers(column)
        edges = np.asarray(self.edges)
        places = 1 + np.searchsorted(edges, values, "left") + np.searchsorted(edges, values, "right")
        return np.where(np.isnan(values), 0, places)


@dataclass(frozen=True)
class Categories:
    """Bins without an order: missing, each of the values, any other."""

    values: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self.values) + 2

    def place(self, column: pa.ChunkedArray) -> Array:
        """The bin of each row, whole numbers of shape (rows,)."""
        texts = _texts(column)
        found = pc.fill_null(pc.index_in(texts, pa.array(self.values, pa.string())), len(self.values))
        places: Array = found.to_numpy() + 1
        return np.where(pc.is_null(texts).to_numpy(), 0, places)


Bins = Numbers | Categories


def of(column: pa.ChunkedArray) -> Bins:
    """The bins that the rows of a reference ask for: by quantile for numbers and times, by value for all else."""
    kind = column.type
    if (
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
    ):
        return _numeric(column)
    found = _texts(column).drop_null().value_counts().to_pylist()
    frequent = sorted(found, key=lambda each: (-each["counts"], each["values"]))[:MOST_CATEGORIES]
    return Categories(tuple(each["values"] for each in frequent))


def counts(bins: Bins, places: Array) -> Array:
    """How many rows lie in each bin, shape (bins,)."""
    return np.bincount(places, minlength=bins.count)


def to_values(bins: Bins) -> dict[str, Any]:
    """Bins as JSON has them."""
    return {"edges": list(bins.edges)} if isinstance(bins, Numbers) else {"values": list(bins.values)}


def from_values(found: Mapping[str, Any]) -> Bins:
    """What `to_values` made; KeyError or TypeError for anything else."""
    if "edges" in found:
        return Numbers(tuple(float(each) for each in found["edges"]))
    return Categories(tuple(str(each) for each in found["values"]))


def _numeric(column: pa.ChunkedArray) -> Numbers:
    values = numbers(column)
    values = values[~np.isnan(values)]
    if not len(values):
        return Numbers(())
    # Quantiles that are values of the column, not points between: an edge that no row has would be an empty bin.
    edges = np.quantile(values, np.linspace(0, 1, QUANTILES + 1)[1:-1], method="inverted_cdf")
    return Numbers(tuple(np.unique(edges).tolist()))


def numbers(column: pa.ChunkedArray) -> Array:
    """As floats, nan where missing; times in whole units since 1970."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
    values = column.cast(pa.float64(), safe=False)
    found: Array = values.to_numpy()
    return found


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())
