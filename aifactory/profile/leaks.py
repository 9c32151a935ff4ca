"""Texts as codes, and columns that are copies of the target. What nearly tells it is found by the runtime's rule."""

from __future__ import annotations

from typing import Any

import numpy as np

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
