"""What a drift report is measured against: evidently's preset. Usage: bare_drift.py REFERENCE CURRENT."""

from __future__ import annotations

import sys

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """The drift of each column, as evidently tests it."""
    reference, current = (_dataset(path) for path in sys.argv[1:])
    found = Report([DataDriftPreset()]).run(current, reference).dict()
    for one in found["metrics"]:
        print(one)


def _dataset(path: str) -> Dataset:
    frame = pd.read_parquet(path)
    texts = [name for name in frame if frame[name].dtype == object]
    numbers = [name for name in frame if name not in texts]
    return Dataset.from_pandas(frame, DataDefinition(numerical_columns=numbers, categorical_columns=texts))


if __name__ == "__main__":
    main()
