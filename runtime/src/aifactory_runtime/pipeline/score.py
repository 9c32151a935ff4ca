"""Batch scoring: a table in, predictions with their model version appended to `scored`, once per input and model.

Rows come in chunks, each part of them is written by one worker, all are added in one commit: a batch is there whole or
not at all, and its size is not bounded by memory.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.capture import redaction as redactions
from aifactory_runtime.contract import names
from aifactory_runtime.data import ahead, declared, parts, removals, source, table_writing, tables, upkeep
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Split
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.monitoring import expected
from aifactory_runtime.pipeline import executing, filling, scored_part
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.reproduction import same_science
from aifactory_runtime.pipeline.scored_part import Batch
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry import skops_file
from aifactory_runtime.registry.port import CODE, Version
from aifactory_runtime.storage.place import Place

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


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
        return self.first_prediction_id[: scored_part.HALF]


def score(context: Context, given: str | None = None) -> Scored:
    """Score the table `given`, a path or an address, with the champion.

    Without it the environment's `batch_source` is scored, else its data source. With nothing
    provisioned and no champion the newest version answers. FactoryError when there is no model, the input does not fit,
    or the code here is not what the model was trained with.
    """
    path = batch(context, given)
    refused = threading.Event()  # nobody waits until all of the input is read to hear that there is no model
    with ThreadPoolExecutor(2, "input") as reading:
        coming = reading.submit(source.digest, path, refused)  # while skops and the registry are imported
        found = reading.submit(_split, context, path)
        try:
            skops_file.import_early()
            version = _model(context)
            _same_code(context, version)
        except BaseException:
            refused.set()
            raise
        digest, split = coming.result(), found.result()
    rules = source.reading(context.settings.data.read)
    prefix = hashlib.sha256(f"{digest} {version.model_sha256} {rules}".encode()).hexdigest()[: scored_part.HALF]
    facts = {"input_sha256": digest, "model_version": str(version.number), "reading": rules}
    first = scored_part.prediction_ids(prefix, 0, 1)[0].as_py()
    gone = _was_removed(context.tables, first)

    def fill(writer: parts.Writer) -> None:
        made = _batch(context, split, version, _model_folder(context, version, writer.aside), prefix)
        try:
            with executing.of(context) as executor:
                filling.fill(executor, split, writer, functools.partial(scored_part.score, made))
        finally:
            scored_part.forget()
        if not writer.filled:
            raise source.no_rows(path)

    done = table_writing.append(context.tables, tables.SCORED, fill, facts, were_removed=gone)
    return Scored(done.rows, version.number, digest, first, done.new)


def _was_removed(folder: Place, prediction_id: str) -> bool:
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


def _model_folder(context: Context, version: Version, folder: Path) -> Path:
    """The model below `folder`, where every worker finds it; monitors know its input schema from now on."""
    place = folder / f"model-{version.model_sha256[: scored_part.HALF]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    context.registry.download(version, place)
    expected.remember(context.artifacts / expected.FOLDER, version.model_sha256, place)
    return place


def _batch(context: Context, split: Split, version: Version, model: Path, prefix: str) -> Batch:
    same = {
        "scored_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "model_version": version.number,
        "model_sha256": version.model_sha256,
    }
    redactions.of(context.contract)  # a key that is missing is said here, and made where nothing is provisioned
    project, settings = context.project, context.settings
    trusted = tuple(settings.train.trusted_types)
    return Batch(split.reader, project.science, settings.data.columns, trusted, context.contract, model, prefix, same)


def rows(context: Context, path: Located) -> Iterator[pd.DataFrame]:
    """The input as the schema wants it, begun to be read at once. Ignored columns are as they come, or not there.

    The target is left out.
    """
    project, columns = context.project, context.settings.data.columns
    return scored_part.conformed(ahead.ahead(_read(context, path)), project.science, columns)


def _read(context: Context, path: Located) -> Iterator[pa.RecordBatch]:
    split, notes = _split(context, path), Notes()
    for piece in split.pieces:
        yield from parts.gathered(split.reader.batches(piece, notes))


def _split(context: Context, path: Located) -> Split:
    """The input in pieces, without the target."""
    science = context.project.science
    read = context.settings.data.read or source.detect(path)
    return source.split(path, read, declared.kinds(science.schema()), without={science.target()})
