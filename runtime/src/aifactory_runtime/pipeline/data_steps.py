"""The steps ingest and validate: each reads a handoff and adds its part.

None of them holds a table: rows come in chunks, and beside a chunk some 50 bytes a row are held at most.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.contract import Manifest, names, recording
from aifactory_runtime.data import (
    conform,
    counted,
    declared,
    outliers,
    parts,
    quality,
    sample,
    source,
    split,
    table_writing,
    tables,
)
from aifactory_runtime.data.located import Located
from aifactory_runtime.data.tables import PREPARED, RAW
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import (
    captured_rows,
    executing,
    filling,
    labelled_window,
    raw_part,
    split_rows,
    validation_report,
)
from aifactory_runtime.pipeline.captured_rows import Added
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.raw_table import RawTable

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
    found = table_writing.write(context.tables, RAW, _rows(context, (path, read, kinds), added), content)
    captured = labelled_window.keep_times(context, handoff, added)
    return replace(handoff, tables={**handoff.tables, RAW: found}, captured=captured)


def _rows(
    context: Context, of: tuple[Located, ReadSettings, dict[str, str]], added: Added | None
) -> table_writing.Chunks:
    """The rows of a data source and those that are added to them; few that are drawn of them in this process alone."""
    path, read, kinds = of
    data = context.settings.data
    if data.sample_rows:
        batches = source.batches(path, read, kinds)
        batches = added.after(batches) if added is not None else batches
        return parts.gathered(sample.draw(batches, data.sample_rows, context.settings.train.seed))

    def fill(writer: parts.Writer) -> None:
        split_up = source.split(path, read, kinds)
        with executing.of(context) as executor:
            filling.fill(executor, split_up, writer, functools.partial(raw_part.write, split_up.reader))
        if not writer.filled:
            raise source.no_rows(path)
        for batch in added.batches(writer.columns) if added is not None else ():
            writer.add(batch)

    return fill


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
    about = counted.About(
        roles.target, tuple(conform.unique_sets(science.schema())), tuple(_keys(context, version)), roles.regression
    )
    try:
        with executing.of(context) as executor:
            table = RawTable(executor, (context.tables, version), science, settings.columns)
            report = quality.inspect(table, about, settings)
    except FactoryError as error:
        if changed and not isinstance(error, UsageProblem):
            raise FactoryError(f"{error}; since the last table that was trained on: {', '.join(changed)}") from None
        raise
    drawn = table.sample
    found = () if report["problems"] or drawn is None else drawn.find(roles, settings.group)
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
