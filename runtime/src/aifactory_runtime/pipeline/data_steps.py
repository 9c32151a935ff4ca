"""The steps before training: ingest, validate, prepare; each reads a handoff and adds its part."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from aifactory_runtime.data import declared, quality, source, split, tables
from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff


def ingest(context: Context, handoff: Handoff) -> Handoff:
    """The data source as a version of `raw`; the version that is there when the source has not changed."""
    settings = context.settings
    path = source.locate(context.project.root, context.contract.data_source)
    content = source.digest(path)
    if settings.data.sample_rows:
        sampled = f"{content} {settings.data.sample_rows} {settings.train.seed}"
        content = hashlib.sha256(sampled.encode()).hexdigest()
    found = tables.latest(context.tables, RAW)
    if found is None or found.sha256 != content:
        kinds = declared.kinds(context.project.science.schema())
        table = source.read(path, settings.data.read, kinds)
        frame = source.sample(table, settings.data.sample_rows, settings.train.seed)
        found = tables.write(context.tables, RAW, frame, content)
    return replace(handoff, tables={**handoff.tables, RAW: found})


def validate(context: Context, handoff: Handoff) -> Handoff:
    """The raw table against its schema and thresholds; the report is kept, and refused data ends the run."""
    science = context.project.science
    raw = tables.read(context.tables, RAW, handoff.table(RAW, "ingest").version)
    frame = quality.conform(raw, science.schema())
    report = quality.inspect(frame, science.target(), context.settings.data)
    place = handoffs.folder(context.artifacts, handoff.id) / "validation.json"
    handoffs.write_atomic(place, json.dumps(report, indent=2))
    quality.refuse(report)
    return handoff


def prepare(context: Context, handoff: Handoff) -> Handoff:
    """The raw rows without duplicates, each in its split, as a version of `prepared`.

    The test rows of the first time are frozen as `reference`, which is never written again.
    """
    science, settings = context.project.science, context.settings.data
    target = science.target()
    raw = tables.read(context.tables, RAW, handoff.table(RAW, "ingest").version)
    frozen = tables.latest(context.tables, REFERENCE)
    known = None if frozen is None else tables.read(context.tables, REFERENCE, frozen.version)
    frame = quality.conform(raw, science.schema())
    rows = split.assign(frame, target, settings.test_share, settings.validation_share, known)
    if frozen is None:
        reference = rows[rows[split.SPLIT] == split.TEST].drop(columns=split.SPLIT).reset_index(drop=True)
        frozen = tables.write(context.tables, REFERENCE, reference, tables.content_sha256(reference))
    found = tables.write(context.tables, PREPARED, rows, tables.content_sha256(rows))
    return replace(handoff, tables={**handoff.tables, PREPARED: found, REFERENCE: frozen})
