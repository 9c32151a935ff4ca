"""Columns that give the target away: copies of it, and single columns that predict it nearly without error."""

from __future__ import annotations

from typing import Any

import numpy as np

_BINS = 20
_ROWS_A_BIN = 5
_NEARLY = 0.02
"""Share of the baseline's errors that is left when a column is suspected."""
_CORRELATION = 0.9995
_LEAST_ROWS = 30


def codes(values: Any) -> Any:
    """Whole numbers for texts, one a distinct value, -1 for missing: Arrow array in, numpy out."""
    encoded = values.dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def is_copy(column: Any, target: Any) -> bool:
    """Whether two columns of codes say the same under other names: one to one, without gaps."""
    if len(column) < _LEAST_ROWS or (column < 0).any() or (target < 0).any():
        return False
    pairs = len(np.unique(column * (target.max() + 1) + target))
    return pairs == len(np.unique(column)) == len(np.unique(target)) > 1


def of_classes(column: Any, target: Any, texts: bool) -> float | None:
    """Share of right answers of the best guess from this column alone, when it is suspiciously high; else None.

    `column` are codes for texts, else numbers; `target` codes. A missing value is a value of its own.
    """
    known = target >= 0
    column, target = column[known], target[known]
    if len(target) < _LEAST_ROWS:
        return None
    if not texts and _separates(column, target):
        return 1.0
    groups = column + 1 if texts else _bins(column)
    count = int(groups.max()) + 1
    if count > len(target) / _ROWS_A_BIN:
        return None
    table = np.zeros((count, int(target.max()) + 1))
    np.add.at(table, (groups, target), 1)
    right = table.max(axis=1).sum() / len(target)
    base = table.sum(axis=0).max() / len(target)
    return float(right) if right > base and 1 - right <= _NEARLY * (1 - base) else None


def of_numbers(column: Any, target: Any) -> float | None:
    """Correlation of values or of ranks with a numeric target, when it is suspiciously high; else None."""
    both = np.isfinite(column) & np.isfinite(target)
    column, target = column[both], target[both]
    if len(target) < _LEAST_ROWS or not column.std() or not target.std():
        return None
    straight = abs(float(np.corrcoef(column, target)[0, 1]))
    ranked = abs(float(np.corrcoef(_ranks(column), _ranks(target))[0, 1]))
    best = max(straight, ranked)
    return best if best >= _CORRELATION else None


def _separates(numbers: Any, target: Any) -> bool:
    """Whether two classes lie on two sides of one number; gaps are not judged here."""
    if target.max() != 1 or not np.isfinite(numbers).all():
        return False
    low, high = numbers[target == 0], numbers[target == 1]
    return bool(low.max() < high.min() or high.max() < low.min())


def _ranks(values: Any) -> Any:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2.0)[places]


def _bins(numbers: Any) -> Any:
    """Groups of about equal size by value; 0 is the missing ones."""
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(len(numbers), dtype=np.int64)
    edges = np.unique(np.quantile(numbers[finite], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(finite, np.searchsorted(edges, numbers, side="right") + 1, 0)
