"""A made-up table of a number, a count, a category and a label of two classes, and the schema that declares it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

SCHEMA = pa.DataFrameSchema(
    {
        "a": pa.Column(float, pa.Check.in_range(-10, 10), nullable=True),
        "b": pa.Column(int, pa.Check.ge(0)),
        "c": pa.Column(str, pa.Check.isin(["z", "x"])),
        "y": pa.Column(int),
    },
    strict=True,
)


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """So many rows, the same ones for the same seed."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": draw.normal(size=rows),
            "b": draw.integers(0, 1_000_000, size=rows),
            "c": draw.choice(["x", "z"], size=rows),
            "y": draw.integers(0, 2, size=rows),
        }
    )
