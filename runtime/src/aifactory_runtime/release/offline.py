"""`python -m aifactory_runtime.release.offline MODEL ROWS`: rows of the environment's source and what is said of them.

Runs in the released snapshot's interpreter, so that what a service or a batch answers is compared with the code that is
released and not with the one in somebody's work tree. Prints JSON; nothing of it is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime import stdout
from aifactory_runtime.config import project
from aifactory_runtime.data import declared, source
from aifactory_runtime.data.located import Located
from aifactory_runtime.pipeline import arrays, score
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.registry.model_folder import InputSchema

if TYPE_CHECKING:
    import pandas as pd


def producers(context: Context) -> Located:
    """The table that a batch scores in this environment."""
    contract = context.contract
    return source.locate(context.project.root, contract.batch_source or contract.data_source)


def head(context: Context, rows: int) -> pd.DataFrame:
    """The first rows as their producer wrote them."""
    located = producers(context)
    read = context.settings.data.read or source.detect(located)
    kinds = declared.kinds(context.project.science.schema())
    frame: pd.DataFrame = next(source.batches(located, read, kinds, rows)).to_pandas()
    return frame


def said_of(context: Context, model: Path, rows: int) -> dict[str, Any]:
    """`rows` as a consumer would send them, `predictions`, and `probabilities` a row (None for a regression)."""
    schema = model_folder.read_schema(model)
    estimator = model_folder.load_estimator(model, context.settings.train.trusted_types)
    frame = next(score.rows(context, producers(context))).head(rows)
    values = arrays.to_matrix(frame, schema, context.project.science.features())
    predictions, shares = answers.of(estimator, values, schema.classes)
    return {
        "rows": wire(frame, schema),
        "predictions": predictions.tolist(),
        "probabilities": None if shares is None else shares.tolist(),
    }


def wire(frame: pd.DataFrame, schema: InputSchema) -> list[dict[str, Any]]:
    """Rows of the model's columns as JSON has them: a missing value is null, a date ISO 8601."""
    made: dict[str, list[Any]] = {}
    for column in schema.columns:
        series = frame[column.name]
        present = series.notna()
        made[column.name] = [
            _plain(value, column.kind) if there else None for value, there in zip(series, present, strict=True)
        ]
    return [dict(zip(made, values, strict=True)) for values in zip(*made.values(), strict=True)]


def _plain(value: Any, kind: str) -> Any:
    if kind == "date":
        return value.isoformat()
    return {"number": float, "integer": int, "boolean": bool}.get(kind, str)(value)


def main(model: str, rows: str) -> None:
    """Print the answers."""
    with stdout.kept():
        context = Context(project.load(Path.cwd()))
        found = said_of(context, Path(model), int(rows))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
