"""Batch scoring: a table in, predictions with their model version appended to `scored`, once per input and model."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.contract import names
from aifactory_runtime.data import declared, quality, source, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.port import CHAMPION, PREFIX, Version

if TYPE_CHECKING:
    import pandas as pd

_ID_LENGTH = 32


@dataclass(frozen=True)
class Scored:
    """What a batch did; `new` is False when the same input was scored by the same version before."""

    rows: int
    version: int
    input_sha256: str
    new: bool


def score(context: Context, given: str | None = None) -> Scored:
    """Score the table `given`, a path or an address, with the champion.

    Without it the environment's `batch_source` is scored, else its data source. With nothing
    provisioned and no champion the newest version answers. FactoryError when there is no model, the input does not fit,
    or the code here is not what the model was trained with.
    """
    contract = context.contract
    path = source.locate(context.project.root, given or contract.batch_source or contract.data_source)
    version = _model(context)
    _same_code(context, version)
    kinds = declared.kinds(context.project.science.schema())
    frame = _checked(context, source.read(path, context.settings.data.read, kinds))
    digest = source.digest(path)
    place = Path(tempfile.mkdtemp(prefix="aifactory-score-"))
    try:
        context.registry.download(version, place / "model")
        rows = _predict(context, frame, place / "model")
    finally:
        shutil.rmtree(place)
    ids = [_prediction_id(digest, version.model_sha256, row) for row in range(len(rows))]
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    rows = rows.assign(
        prediction_id=ids, scored_at=now, model_version=version.number, model_sha256=version.model_sha256
    )
    facts = {"input_sha256": digest, "model_version": str(version.number)}
    new = tables.append(context.tables, tables.SCORED, rows, facts)
    return Scored(len(rows), version.number, digest, new)


def _model(context: Context) -> Version:
    found = context.registry.by_alias(CHAMPION)
    if found is None and context.contract.environment == names.EMBEDDED:
        found = next(iter(reversed(context.registry.versions())), None)
    if found is None:
        raise FactoryError(f"{context.contract.model_name} has no champion: run the pipeline, then release")
    return found


def _same_code(context: Context, version: Version) -> None:
    """The features of other code would be other numbers under the same names."""
    if version.tags.get(PREFIX + "code_sha256") != context.made_from.code_sha256:
        commit = version.tags.get(PREFIX + "commit", "")[:12]
        raise FactoryError(f"version {version.number} belongs to other code (commit {commit}): check it out or retrain")


def _checked(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as the schema wants them; the target need not be there."""
    schema, target = context.project.science.schema(), context.project.science.target()
    if target in frame.columns:
        frame = frame.drop(columns=target)
    return quality.conform(frame, schema.remove_columns([target]))


def _predict(context: Context, frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    schema, estimator = model_folder.read_schema(folder), model_folder.load_estimator(folder)
    values = arrays.to_matrix(frame, schema, context.project.science.features())
    shares = estimator.predict_proba(values)
    made: dict[str, Any] = {f"probability_{label}": shares[:, place] for place, label in enumerate(schema.classes)}
    return frame.assign(prediction=np.asarray(schema.classes)[shares.argmax(axis=1)], **made)


def _prediction_id(input_sha256: str, model_sha256: str, row: int) -> str:
    return hashlib.sha256(f"{input_sha256} {model_sha256} {row}".encode()).hexdigest()[:_ID_LENGTH]
