"""One part of a batch, on whichever worker: its rows are read, conformed, put to the model, written to a file aside.

What a part comes to does not depend on how many parts there are: the rows that are answered together are those of one
piece of the table, on one thread of the linear algebra, whose sums depend on both.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.capture import redacted_frame
from aifactory_runtime.capture import redaction as redactions
from aifactory_runtime.config.project import Science
from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import ahead, arrow_frames, column_names, conform, parts, table_errors, tables
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Reader
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline.filling import Done, Part
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.registry.model_folder import InputSchema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

HALF = 16
"""Hexadecimal digits of a prediction's id that say which input and model (`tables.batch_of`); as many say which row."""
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Batch:
    """What every part of a batch needs; small, and without a secret. `model` is a folder that every worker sees."""

    reader: Reader
    science: Science
    columns: Mapping[str, ColumnSettings]
    trusted: tuple[str, ...]
    contract: EnvironmentContract
    model: Path
    prefix: str
    """How the ids of its predictions begin."""
    same: Mapping[str, Any]
    """Columns with one value in all rows."""


def score(batch: Batch, part: Part) -> Done:
    """Write the rows of a part with what the model says of them; FactoryError when they do not fit, or no disk is left.

    The file is there when it is whole; whoever is killed before leaves one that nobody names.
    """
    notes = Notes()
    with table_errors.one_line(tables.SCORED):
        written = part.file.write(ahead.ahead(_scored(batch, part, notes)))
    return Done(written, notes)


def conformed(
    batches: Iterable[pa.RecordBatch], science: Science, columns: Mapping[str, ColumnSettings]
) -> Iterator[pd.DataFrame]:
    """Rows without the target, as the schema wants them. Ignored columns are as they come, or not there."""
    import pandera.pandas as pandera
    import pyarrow as pa

    ignored = science.ignored()
    schema = conform.row_wise(science.schema()).remove_columns([science.target(), *ignored])
    schema = schema.add_columns({name: pandera.Column(nullable=True, required=False) for name in ignored})
    for batch in batches:
        yield conform.conform(arrow_frames.to_frame(pa.Table.from_batches([batch])), schema, columns)


def prediction_ids(prefix: str, start: int, count: int) -> pa.Array:
    """Ids of `count` rows from `start` on: a prefix of 16 characters, and the row's number in 16 hexadecimal digits."""
    import pyarrow as pa

    rows = np.arange(start, start + count, dtype=">u8").view(">u2").reshape(count, -1)
    made = np.empty((count, 2), dtype=f"S{HALF}")
    made[:, 0] = prefix
    made[:, 1] = _four_digits()[rows].view(f"S{HALF}").ravel()
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(2 * HALF)
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(made))


def forget() -> None:
    """Let go of the model that this process holds."""
    _model.cache_clear()


def _scored(batch: Batch, part: Part, notes: Notes) -> Iterator[pa.RecordBatch]:
    """The rows with what the model says of them, chunk by chunk."""
    with _LOADING:
        model = _model(batch.model, batch.trusted)
    features, redaction = batch.science.features(), redactions.of(batch.contract)
    read = (chunk for piece in part.pieces for chunk in parts.gathered(batch.reader.batches(piece, notes)))
    start = part.start
    for frame in conformed(ahead.ahead(read), batch.science, batch.columns):
        said = model.answers(arrays.to_matrix(frame, model.schema, features))
        ids = prediction_ids(batch.prefix, start, len(frame))
        start += len(frame)
        made = arrow_frames.to_arrow(redacted_frame.of(_without_ours(frame), redaction).assign(**said))
        for name, values in {"prediction_id": ids, **_repeated(batch.same, len(frame))}.items():
            made = made.append_column(name, values)
        yield made


class _Model:
    """A model as this process holds it."""

    def __init__(self, folder: Path, trusted: tuple[str, ...]) -> None:
        from threadpoolctl import ThreadpoolController

        self.schema: InputSchema = model_folder.read_schema(folder)
        self._estimator = model_folder.load_estimator(folder, trusted)
        self._threads = ThreadpoolController()

    def answers(self, values: Any) -> dict[str, Any]:
        """A prediction for each row; of a classifier the most likely label, and the probability of each."""
        classes = self.schema.classes
        with self._threads.limit(limits=1, user_api="blas"):
            predicted, shares = answers.of(self._estimator, values, classes)
        columns = () if shares is None else shares.T
        made = {f"{column_names.SHARE}{label}": column for label, column in zip(classes, columns, strict=True)}
        return {column_names.PREDICTION: predicted, **made}


@functools.lru_cache(maxsize=1)
def _model(folder: Path, trusted: tuple[str, ...]) -> _Model:
    """Loaded once in a process."""
    return _Model(folder, trusted)


def _without_ours(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without columns that no model sees and whose names the predictions get."""
    return frame.drop(columns=[name for name in frame.columns if column_names.is_scored(str(name))])


@functools.cache
def _four_digits() -> np.ndarray[Any, Any]:
    """Numbers of 16 bits as four hexadecimal digits."""
    return np.frombuffer("".join(f"{number:04x}" for number in range(1 << 16)).encode(), dtype="S4")


def _repeated(values: Mapping[str, Any], count: int) -> dict[str, pa.Array]:
    import pyarrow as pa

    return {name: pa.repeat(pa.scalar(value), count) for name, value in values.items()}
