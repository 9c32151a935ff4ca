"""Writes the sample table of the template, template/data/, from the breast-cancer table that scikit-learn bundles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

TARGET = "diagnosis"
ASKED = (
    *("mean_radius", "radius_error", "worst_radius", "worst_texture", "worst_perimeter", "worst_area"),
    *("worst_smoothness", "worst_concavity", "worst_concave_points", "worst_symmetry"),
)
"""Columns that the template's model reads, as its schema.py says."""
FOLDER = Path(__file__).resolve().parents[1] / "template" / "data"


def table() -> pd.DataFrame:
    """569 rows: 30 measurements with snake_case names, and the diagnosis in words."""
    from sklearn.datasets import load_breast_cancer

    bundled = load_breast_cancer(as_frame=True)
    frame: pd.DataFrame = bundled.frame.rename(columns=lambda name: name.replace(" ", "_"))
    diagnosis = frame.pop("target").map(dict(enumerate(bundled.target_names)))
    return frame.assign(**{TARGET: diagnosis})


def request(frame: pd.DataFrame) -> dict[str, Any]:
    """What the scoring service is asked: what the model reads of the first row."""
    return {"rows": frame[list(ASKED)].head(1).to_dict(orient="records")}


def write(folder: Path) -> None:
    """Write sample.csv and request.json into `folder`."""
    frame = table()
    frame.to_csv(folder / "sample.csv", index=False)
    (folder / "request.json").write_text(json.dumps(request(frame), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
