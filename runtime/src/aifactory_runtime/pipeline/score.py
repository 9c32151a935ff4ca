"""Batch scoring: a table in, predictions with their model version appended to `scored`, once per input and model.

Rows come in chunks, all are added in one commit: a batch is there whole or not at all, and its size is not bounded by
memory.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.capture import redacted_frame
from aifactory_runtime.capture import redaction as redactions
from aifactory_runtime.contract import names
from aifactory_runtime.data import ahead, column_names, conform, declared, parts, removals, source, tables, upkeep
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import expected
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.reproduction import same_science
from aifactory_runtime.registry import answers, model_folder, skops_file
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CODE, Version

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_HALF = 16
"""Hexadecimal digits of a prediction's id that say which input and model (`tables.batch_of`); as many say which row."""


@dataclass(frozen=True)
class Scored:
    """What a batch did; `new` is False when the same input was scored by the same version before."""

    rows: int
    version: int
    input_sha256: str
    first_prediction_id: str
    new: bool

    @property
    def prefix(self) -> str:
        """How the ids of all its rows begin, and of no others."""
        return self.first_prediction_id[:_HALF]


def score(context: Context, given: str | None = None) -> Scored:
    """Score the table `given`, a path or an address, with the champion.

    Without it the environment's `batch_source` is scored, else its data source. With nothing
    provisioned and no champion the newest version answers. FactoryError when there is no model, the input does not fit,
    or the code here is not what the model was trained with.
    """
    path = batch(context, given)
    refused = threading.Event()  # nobody waits until all of the input is read to hear that there is no model
    with ThreadPoolExecutor(1, "digest") as reading:
        coming = reading.submit(source.digest, path, refused)  # while skops and the registry are imported
        try:
            skops_file.import_early()
            frames = rows(context, path)
            version = _model(context)
            _same_code(context, version)
        except BaseException:
            refused.set()
            raise
        digest = coming.result()
    rules = source.reading(context.settings.data.read)
    prefix = hashlib.sha256(f"{digest} {version.model_sha256} {rules}".encode()).hexdigest()[:_HALF]
    facts = {"input_sha256": digest, "model_version": str(version.number), "reading": rules}
    first = prediction_ids(prefix, 0, 1)[0].as_py()
    gone = _was_removed(context.tables, first)
    scored = _scored(context, frames, version, prefix)
    done = tables.append(context.tables, tables.SCORED, scored, facts, were_removed=gone)
    return Scored(done.rows, version.number, digest, first, done.new)


def _was_removed(folder: Path, prediction_id: str) -> bool:
    """Whether the batch of this id was removed, and has not been scored again since."""
    batch = tables.batch_of(prediction_id)
    if removals.find(folder, tables.SCORED, batch) is None:
        return False
    there = upkeep.files(folder, tables.SCORED, "prediction_id")
    return not any(tables.batch_of(file.least) <= batch <= tables.batch_of(file.most) for file in there)


def batch(context: Context, given: str | None = None) -> Located:
    """The table that is scored when `given` is asked for; FactoryError when it is not there."""
    contract = context.contract
    return source.locate(context.project.root, given or contract.batch_source or contract.data_source)


def _model(context: Context) -> Version:
    found = champions.champion(context.registry)
    if found is None and context.contract.environment == names.EMBEDDED:
        found = next(iter(reversed(context.registry.versions())), None)
    if found is None:
        raise FactoryError(f"{context.contract.model_name} has no champion: run the pipeline, then release")
    return found


def _same_code(context: Context, version: Version) -> None:
    """The features of other science would be other numbers under the same names."""
    if version.tags.get(CODE) == context.made_from.code_sha256:
        return
    root, package = context.project.root, context.project.manifest.package
    if reason := same_science.why_not(version.tags, context.made_from, root, package):
        raise FactoryError(f"version {version.number} does not belong to the code here: {reason}")


def _scored(
    context: Context, frames: Iterable[pd.DataFrame], version: Version, prefix: str
) -> Iterator[pa.RecordBatch]:
    """The rows with what the model says of them, chunk by chunk; their ids begin with `prefix`."""
    place = Path(tempfile.mkdtemp(prefix="aifactory-score-"))
    try:
        context.registry.download(version, place / "model")
        schema = model_folder.read_schema(place / "model")
        expected.remember(context.artifacts / expected.FOLDER, version.model_sha256, place / "model")
        estimator = model_folder.load_estimator(place / "model", context.settings.train.trusted_types)
    finally:
        shutil.rmtree(place)
    features, redaction = context.project.science.features(), redactions.of(context.contract)
    same = {
        "scored_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model_version": version.number,
        "model_sha256": version.model_sha256,
    }
    start = 0
    for frame in frames:
        said = _answers(estimator, arrays.to_matrix(frame, schema, features), schema.classes)
        ids = prediction_ids(prefix, start, len(frame))
        start += len(frame)
        batch = tables.to_arrow(redacted_frame.of(_without_ours(frame), redaction).assign(**said))
        for name, values in {"prediction_id": ids, **_repeated(same, len(frame))}.items():
            batch = batch.append_column(name, values)
        yield batch


def rows(context: Context, path: Located) -> Iterator[pd.DataFrame]:
    """The input as the schema wants it, begun to be read at once. Ignored columns are as they come, or not there.

    The target is left out.
    """
    return _conformed(context, ahead.ahead(_read(context, path)))


def _read(context: Context, path: Located) -> Iterator[pa.RecordBatch]:
    science = context.project.science
    read = context.settings.data.read or source.detect(path)
    kinds = declared.kinds(science.schema())
    yield from parts.gathered(source.batches(path, read, kinds, without={science.target()}))


def _conformed(context: Context, batches: Iterable[pa.RecordBatch]) -> Iterator[pd.DataFrame]:
    import pandera.pandas as pandera
    import pyarrow as pa

    science = context.project.science
    ignored = science.ignored()
    schema = conform.row_wise(science.schema()).remove_columns([science.target(), *ignored])
    schema = schema.add_columns({name: pandera.Column(nullable=True, required=False) for name in ignored})
    for batch in batches:
        frame = tables.to_frame(pa.Table.from_batches([batch]))
        yield conform.conform(frame, schema, context.settings.data.columns)


def _without_ours(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without columns that no model sees and whose names the predictions get."""
    return frame.drop(columns=[name for name in frame.columns if column_names.is_scored(str(name))])


def _answers(estimator: Any, values: Any, classes: Any) -> dict[str, Any]:
    """A prediction for each row; of a classifier the most likely label, and the probability of each."""
    predicted, shares = answers.of(estimator, values, classes)
    columns = () if shares is None else shares.T
    made = {f"{column_names.SHARE}{label}": column for label, column in zip(classes, columns, strict=True)}
    return {column_names.PREDICTION: predicted, **made}


def prediction_ids(prefix: str, start: int, count: int) -> pa.Array:
    """Ids of `count` rows from `start` on: a prefix of 16 characters, and the row's number in 16 hexadecimal digits."""
    import pyarrow as pa

    rows = np.arange(start, start + count, dtype=">u8").view(">u2").reshape(count, -1)
    made = np.empty((count, 2), dtype=f"S{_HALF}")
    made[:, 0] = prefix
    made[:, 1] = _four_digits()[rows].view(f"S{_HALF}").ravel()
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(2 * _HALF)
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(made))


@functools.cache
def _four_digits() -> np.ndarray[Any, Any]:
    """Numbers of 16 bits as four hexadecimal digits."""
    return np.frombuffer("".join(f"{number:04x}" for number in range(1 << 16)).encode(), dtype="S4")


def _repeated(values: Mapping[str, Any], count: int) -> dict[str, pa.Array]:
    import pyarrow as pa

    return {name: pa.repeat(pa.scalar(value), count) for name, value in values.items()}
