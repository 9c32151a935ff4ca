"""Writes the second sample table, aifactory/samples/diabetes.csv, from the diabetes table that scikit-learn bundles."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

TARGET = "progression"
FILE = Path(__file__).resolve().parents[1] / "aifactory" / "samples" / "diabetes.csv"
_NAMES = {
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "low_density_lipoproteins",
    "s3": "high_density_lipoproteins",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "blood_sugar",
}


def table() -> pd.DataFrame:
    """442 patients: ten measurements in their own units, and how far the disease went in a year."""
    from sklearn.datasets import load_diabetes

    bundled = load_diabetes(as_frame=True, scaled=False)
    frame: pd.DataFrame = bundled.frame.rename(columns={**_NAMES, "target": TARGET})
    return frame.round(4)


def write(file: Path) -> None:
    """Write the table to `file`."""
    table().to_csv(file, index=False)


if __name__ == "__main__":
    write(FILE)
