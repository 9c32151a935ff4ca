"""What a row of the raw table looks like: thirty measurements of a tissue sample, and its diagnosis."""

from __future__ import annotations

import pandera.pandas as pa

TARGET = "diagnosis"
CLASSES = ["benign", "malignant"]

# What is measured on each cell nucleus, and the values that are possible at all, in the unit of the image.
MEASUREMENTS = {
    "radius": (1.0, 50.0),
    "texture": (1.0, 80.0),
    "perimeter": (5.0, 350.0),
    "area": (10.0, 8000.0),
    "smoothness": (0.0, 0.5),
    "compactness": (0.0, 2.0),
    "concavity": (0.0, 2.0),
    "concave_points": (0.0, 0.5),
    "symmetry": (0.0, 1.0),
    "fractal_dimension": (0.0, 0.5),
}


def _columns() -> dict[str, pa.Column]:
    """Each measurement three times: the sample's mean, its standard error, and the mean of the three worst nuclei."""
    columns = {}
    for name, (low, high) in MEASUREMENTS.items():
        columns[f"mean_{name}"] = pa.Column(float, pa.Check.in_range(low, high))
        columns[f"{name}_error"] = pa.Column(float, pa.Check.in_range(0.0, high))
        columns[f"worst_{name}"] = pa.Column(float, pa.Check.in_range(low, high))
    return columns


# What features.py reads. No model sees the other measurements and no request needs them; they stay in the table.
USED = (
    *("mean_radius", "radius_error", "worst_radius", "worst_texture", "worst_perimeter", "worst_area"),
    *("worst_smoothness", "worst_concavity", "worst_concave_points", "worst_symmetry"),
)
IGNORED = tuple(name for name in _columns() if name not in USED)

SCHEMA = pa.DataFrameSchema(
    {**_columns(), TARGET: pa.Column(str, pa.Check.isin(CLASSES))},
    strict=True,
)
