"""`python -m aifactory_runtime.release.offline PACKAGE MODEL`: probabilities of rows without a service, as JSON.

Runs in the released snapshot's interpreter, so that what the service answers is compared with the code that is released
and not with the one in somebody's work tree. Rows come on standard input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aifactory_runtime.config.project import Science
from aifactory_runtime.data.columns import matrix, raw_columns
from aifactory_runtime.registry import model_folder


def probabilities(package: str, model: Path, rows: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """A list a row, in the order of the schema's classes."""
    schema = model_folder.read_schema(model)
    values = {column.name: [row[column.name] for row in rows] for column in schema.columns}
    found = matrix(Science(package).features()(raw_columns(values, schema)), schema)
    scores: list[list[float]] = model_folder.load_estimator(model).predict_proba(found).tolist()
    return scores


if __name__ == "__main__":
    print(json.dumps(probabilities(sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin))))  # noqa: T201 - its answer
