"""What the model sees of a row. Plain numpy, each row on its own: training and the scoring service run these lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

# Taken as they are.
RAW = ("worst_texture", "worst_smoothness", "worst_concavity", "worst_concave_points", "worst_symmetry")


def features(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Raw columns in, the model's columns out, by name; every column has one value a row."""
    seen = {name: columns[name] for name in RAW}
    # Sizes spread over orders of magnitude; their logarithms do not.
    seen["log_worst_area"] = np.log(columns["worst_area"])
    # How much the worst nuclei stand out, and how much all of them differ: ratios, so the unit of length cancels.
    seen["growth"] = columns["worst_radius"] / columns["mean_radius"]
    seen["unevenness"] = columns["radius_error"] / columns["mean_radius"]
    # 1 for a circle, more for a ragged outline.
    seen["raggedness"] = columns["worst_perimeter"] ** 2 / (4 * np.pi * columns["worst_area"])
    return seen
