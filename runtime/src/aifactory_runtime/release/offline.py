"""`python -m aifactory_runtime.release.offline PACKAGE MODEL`: what the model says of rows without a service, as JSON.

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
from aifactory_runtime.registry import answers, model_folder


def scores(package: str, model: Path, rows: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """A list a row: probabilities in the order of the schema's classes, of a regression the one number."""
    schema = model_folder.read_schema(model)
    values = {column.name: [row[column.name] for row in rows] for column in schema.columns}
    found = matrix(Science(package).features()(raw_columns(values, schema)), schema)
    given, shares = answers.of(model_folder.load_estimator(model), found, schema.classes)
    said: list[list[float]] = (given.reshape(-1, 1) if shares is None else shares).tolist()
    return said


if __name__ == "__main__":
    print(json.dumps(scores(sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin))))  # noqa: T201 - its answer
