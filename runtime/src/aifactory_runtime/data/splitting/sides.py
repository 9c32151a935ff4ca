"""Names of the sides of the split, and their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
SPARE = "spare"
NAMES = (TRAIN, VALIDATION, TEST, SPARE)
"""By their numbers; `spare` holds what nothing uses: rows beyond `data.max_train_rows`, and outliers taken out of
training."""
TRAIN_NUMBER, VALIDATION_NUMBER, TEST_NUMBER, SPARE_NUMBER = range(4)
DROPPED = -1
"""Number of a copy, which is on no side."""

Sides = np.ndarray[Any, np.dtype[np.int8]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
