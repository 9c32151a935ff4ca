"""`python -m aifactory_runtime.release.recorded_rows MODEL`: what the released code says of rows that were recorded.

Runs in the released snapshot's interpreter. Rows come as JSON on standard input, as consumers sent them. Prints JSON,
of each row what the service would have answered, null where it would have refused it; nothing of it is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime import stdout
from aifactory_runtime.config import project
from aifactory_runtime.data.columns import matrix, raw_columns
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.serving.request_decoding import Refused, RowReader

Row = Mapping[str, Any]


class Model:
    """A model folder with the features of the code here."""

    def __init__(self, context: Context, folder: Path, most: int) -> None:
        self._schema = model_folder.read_schema(folder)
        self._estimator = model_folder.load_estimator(folder, context.settings.train.trusted_types)
        self._features = context.project.science.features()
        self._reader = RowReader(self._schema, most)
        self._names = {column.name for column in self._schema.columns}

    def of(self, rows: Sequence[Row]) -> list[dict[str, Any] | None]:
        """`prediction` and, of a classifier, `probabilities` of each row; None for one that it refuses."""
        try:
            return [*self._said(rows)]
        except (Refused, ValueError):
            return [None] if len(rows) == 1 else [found for row in rows for found in self.of([row])]

    def _said(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        sent = [{name: value for name, value in row.items() if name in self._names} for row in rows]
        read = self._reader.predict(json.dumps({"rows": sent}).encode())
        values = matrix(self._features(raw_columns(read.columns, self._schema)), self._schema)
        given, shares = answers.of(self._estimator, values, self._schema.classes)
        if not np.isfinite(given if shares is None else shares).all():
            raise Refused("the model cannot score these values")
        if shares is None:
            return [{"prediction": number} for number in given.tolist()]
        pairs = zip(given.tolist(), shares.tolist(), strict=True)
        return [{"prediction": label, "probabilities": row} for label, row in pairs]


def main(folder: str) -> None:
    """Print the answers."""
    with stdout.kept():
        rows = json.load(sys.stdin)
        found = Model(Context(project.load(Path.cwd())), Path(folder), max(1, len(rows))).of(rows)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
