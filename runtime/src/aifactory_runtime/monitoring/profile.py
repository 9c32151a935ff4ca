"""What the training rows of a model looked like, by column: counts in bins, stored with the model, no row.

It travels with the model to where its traffic is, while the rows stay. A text that fewer than 10 training rows have is
not in it: it might name somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aifactory_runtime.monitoring import bins
from aifactory_runtime.monitoring.bins import Array, Bins, Categories, Numbers

LEAST_ROWS = 10
"""Of a text, for it to be named."""
_OUTER = (0.001, 0.999)
OUTSIDE = 0.002
"""Share of the training rows' values that are not between `low` and `high`."""


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the training rows."""

    bins: Bins
    counts: Array
    """Rows in each bin."""
    top: float
    """Share of the most frequent value among those that are there."""
    low: float | None = None
    """One row of a thousand lies under it; only of numbers."""
    high: float | None = None
    complete: bool = True
    """Whether each value of a category is named."""

    @property
    def rows(self) -> int:
        """How many rows it is of, those without a value counted."""
        return int(self.counts.sum())

    @property
    def there(self) -> int:
        """How many of them have a value."""
        return self.rows - int(self.counts[0])

    @property
    def shares(self) -> Array:
        """Share of rows in each bin."""
        found: Array = self.counts / max(1, self.rows)
        return found

    @property
    def missing(self) -> float:
        """Share of rows without a value."""
        return float(self.shares[0])


Profile = Mapping[str, ColumnProfile]
"""By column; the model's answers are one of them."""


def of(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, ColumnProfile]:
    """The profile of some rows."""
    return {name: _of(column) for name, column in columns.items()}


def to_values(profile: Profile) -> dict[str, Any]:
    """A profile as JSON has it."""
    return {
        "columns": {
            name: {
                **bins.to_values(one.bins),
                "counts": one.counts.tolist(),
                "top": one.top,
                "low": one.low,
                "high": one.high,
                "complete": one.complete,
            }
            for name, one in profile.items()
        }
    }


def from_values(values: Mapping[str, Any]) -> dict[str, ColumnProfile]:
    """What `to_values` made; ValueError for anything else."""
    try:
        return {name: _read(one) for name, one in values["columns"].items()}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no profile of training rows") from None


def _read(one: Mapping[str, Any]) -> ColumnProfile:
    kind, counts = bins.from_values(one), np.asarray(one["counts"], dtype=np.int64)
    if len(counts) != kind.count:
        raise ValueError("a profile whose counts do not fit its bins")
    return ColumnProfile(kind, counts, float(one["top"]), one["low"], one["high"], bool(one["complete"]))


def _of(column: pa.ChunkedArray) -> ColumnProfile:
    kind, top, complete = bins.of(column), _top(column), True
    low = high = None
    if isinstance(kind, Categories):
        kind, complete = _named(kind, column)
    else:
        kind = Numbers(tuple(edge for edge in kind.edges if np.isfinite(edge)))
        low, high = _limits(column)
    return ColumnProfile(kind, bins.counts(kind, kind.place(column)), top, low, high, complete)


def _named(kind: Categories, column: pa.ChunkedArray) -> tuple[Categories, bool]:
    """The values that enough rows have, and whether these are all."""
    counts = bins.counts(kind, kind.place(column))
    named = Categories(
        tuple(value for value, rows in zip(kind.values, counts[1:-1], strict=True) if rows >= LEAST_ROWS)
    )
    return named, bool(counts[-1] == 0 and len(named.values) == len(kind.values))


def _top(column: pa.ChunkedArray) -> float:
    there = column.drop_null()
    if not len(there):
        return 0.0
    return float(max(each["counts"] for each in pc.value_counts(there).to_pylist()) / len(there))


def _limits(column: pa.ChunkedArray) -> tuple[float | None, float | None]:
    values = bins.numbers(column)
    values = values[np.isfinite(values)]
    if not len(values):
        return None, None
    low, high = np.quantile(values, _OUTER, method="inverted_cdf")
    return float(low), float(high)
