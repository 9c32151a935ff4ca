"""The steps ingest and validate: each reads a handoff and adds its part.

None of them holds a table: rows come in chunks, and beside a chunk some 50 bytes a row are held at most.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aifactory_runtime.contract import Manifest, names, recording
from aifactory_runtime.data import (
    conform,
    declared,
    leak_sample,
    outliers,
    parts,
    quality,
    sample,
    source,
    split,
    tables,
)
from aifactory_runtime.data.tables import PREPARED, RAW
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import captured_rows, labelled_window, split_rows, validation_report
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff

if TYPE_CHECKING:
    import pandas as pd

_READ_BY_RULES_1 = {"format", "separator", "decimal", "encoding", "dates"}
"""What the first rules of reading knew: the raw tables of older repos are named by it."""
_log = logging.getLogger(__name__)


def ingest(context: Context, handoff: Handoff) -> Handoff:
    """The data source as a version of `raw`; the version that is there when source and declared kinds are the same."""
    settings = context.settings
    path = source.locate(context.project.root, context.contract.data_source)
    kinds = declared.kinds(context.project.science.schema())
    read = settings.data.read or source.detect(path)
    added = captured_rows.of(context.project)
    labelled = None if added is None else added.digest
    meant: list[Any] = [source.digest(path), sorted(kinds.items()), *([labelled] if labelled else [])]
    drawn = [settings.data.sample_rows, settings.train.seed] if settings.data.sample_rows else []
    content = _digest([*meant, source.reading(read), *drawn])
    before = tables.latest(context.tables, RAW)
    if before and before.sha256 == _digest([*meant, read.model_dump(mode="json", include=_READ_BY_RULES_1), *drawn]):
        _log.warning(
            "note: the rules by which tables are read are new: the same table is read and trained on once more"
        )
    batches = source.batches(path, read, kinds)
    batches = added.after(batches) if added is not None else batches
    batches = sample.draw(batches, settings.data.sample_rows, settings.train.seed)
    found = tables.write(context.tables, RAW, parts.gathered(batches), content)
    captured = labelled_window.keep_times(context, handoff, added)
    return replace(handoff, tables={**handoff.tables, RAW: found}, captured=captured)


def _digest(meant: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(meant).encode()).hexdigest()


def validate(context: Context, handoff: Handoff) -> Handoff:
    """The raw table against its schema and thresholds; the report is kept, and refused data ends the run."""
    science = context.project.science
    version = handoff.table(RAW, "ingest").version
    changed = _changed(context, version)
    roles, settings = split_rows.roles(context), context.settings.data
    _known_to_the_schema(context.project.manifest, [*science.schema().columns])
    outliers.check(settings.columns, declared.kinds(science.schema()), {roles.target, *roles.ignored})
    drawn = leak_sample.Sample(tables.count(context.tables, RAW, version))

    def chunks(columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        for frame in _conformed(context, version, checked=columns is None):
            if columns is None:
                drawn.add(frame)
            yield frame if columns is None else frame[list(columns)]

    try:
        report = quality.inspect(
            chunks,
            roles.target,
            settings,
            unique=conform.unique_sets(science.schema()),
            keys=_keys(context, version),
            regression=roles.regression,
        )
    except FactoryError as error:
        if changed and not isinstance(error, UsageProblem):
            raise FactoryError(f"{error}; since the last table that was trained on: {', '.join(changed)}") from None
        raise
    found = () if report["problems"] else drawn.find(roles, settings.group)
    alone = {leak.column: {leak.figure: leak.value, "without": leak.without} for leak in found}
    validation_report.write(context, handoff, {**report, "schema_change": changed, "tell_the_target_alone": alone})
    quality.refuse(report)
    notes = [leak.note(roles.target, science.place("schema")) for leak in found]
    for note in notes:
        _log.warning("note: %s", note)
    return replace(handoff, notes=tuple(notes))


def _known_to_the_schema(manifest: Manifest, columns: Sequence[str]) -> None:
    """UsageProblem names a rule of `capture_columns` that is about no column: what it is to protect would be kept."""
    for environment in names.ENVIRONMENTS:
        for name in recording.unknown(manifest.settings(environment).capture_columns, columns):
            raise UsageProblem(
                f"factory.yaml: environments.{environment}.capture_columns: SCHEMA has no column {name}: write one of "
                f"{', '.join(columns)}, or * for every other"
            )


def _conformed(context: Context, version: int, *, checked: bool) -> Iterator[pd.DataFrame]:
    """The raw table as schema.py wants it, chunk by chunk; what was checked before is not checked again."""
    schema = conform.row_wise(context.project.science.schema())
    plain = not (checked or conform.transforms(schema))
    for frame in tables.batches(context.tables, RAW, version):
        yield conform.conform(frame, schema, context.settings.data.columns, checks=not plain)


def _keys(context: Context, version: int) -> list[tuple[str, ...]]:
    """Columns that may tell copies from rows that are equal by chance: the ignored ones and the time, where there."""
    roles = split_rows.roles(context)
    names = [*roles.ignored, *([] if roles.time is None else [roles.time])]
    there = tables.columns(context.tables, RAW, version).names
    return [(name,) for name in dict.fromkeys(names) if name in there]


def _changed(context: Context, version: int) -> list[str]:
    """How the columns differ from those of the last table that passed."""
    if tables.latest(context.tables, PREPARED) is None:
        return []
    before, after = tables.columns(context.tables, PREPARED), tables.columns(context.tables, RAW, version)
    return [line for line in conform.difference(before, after) if not line.startswith(f"- {split.SPLIT} (")]
