"""The steps before training: ingest, validate, prepare; each reads a handoff and adds its part.

None of them holds a table: rows come in chunks, and beside a chunk some 50 bytes a row are held at most.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aifactory_runtime import files
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.contract import Manifest, names, recording
from aifactory_runtime.data import (
    conform,
    declared,
    leak_sample,
    outliers,
    parts,
    quality,
    row_hash,
    sample,
    source,
    split,
    tables,
)
from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE, TableVersion
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import captured_rows, labelled_window, older_rules
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_SAY_ABOVE = 0.05
"""Share of test rows known from training that is worth a line; conf says what is refused."""
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
    roles, settings = _roles(context), context.settings.data
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
    _write_report(context, handoff, {**report, "schema_change": changed, "tell_the_target_alone": alone})
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


def prepare(context: Context, handoff: Handoff) -> Handoff:
    """The raw rows without copies, each in its split, as a version of `prepared`.

    The test rows of the first time are frozen as `reference`, which is written again only when a run asks for that, as
    a version of its own also when the rows are the same.
    """
    version = handoff.table(RAW, "ingest").version
    report = _report(context, handoff)
    roles, settings = _roles(context), context.settings.data
    frozen = None if handoff.new_reference else tables.latest(context.tables, REFERENCE)
    known = None if frozen is None else _known(context, version, frozen, roles)
    key = tuple(report.get("key") or ())
    read = split.scan(_conformed(context, version, checked=False), roles, settings.group, key)
    assigned = split.assign(read, settings, known)
    _say_equal(report, settings)
    _say_older(context, handoff, report)
    _leaks(context, assigned.report)
    sides, removed = _without_outliers(context, version, assigned.sides)
    found = _write_prepared(context, version, read.whole, sides)
    treated = {**_outliers(context, found.version, report["outliers"]), **removed}
    report |= _moved(assigned.report, int((sides != assigned.sides).sum()))
    _write_report(context, handoff, {**report, "outlier_limits": treated})
    window = labelled_window.choose(context, handoff, read, assigned, frozen=frozen is None)
    if frozen is None:
        names = [name for name in tables.columns(context.tables, PREPARED, found.version).names if name != split.SPLIT]
        chosen = (split.SPLIT, split.TEST)
        chunks = tables.batches(context.tables, PREPARED, found.version, columns=names, where=chosen)
        test = assigned.sides == split.NAMES.index(split.TEST)
        digest = row_hash.digest(names, [read.whole[test]])
        frozen = tables.write(context.tables, REFERENCE, chunks, digest, again=handoff.new_reference)
    return replace(handoff, tables={**handoff.tables, PREPARED: found, REFERENCE: frozen}, window=window)


def _conformed(context: Context, version: int, *, checked: bool) -> Iterator[pd.DataFrame]:
    """The raw table as schema.py wants it, chunk by chunk; what was checked before is not checked again."""
    schema = conform.row_wise(context.project.science.schema())
    plain = not (checked or conform.transforms(schema))
    for frame in tables.batches(context.tables, RAW, version):
        yield conform.conform(frame, schema, context.settings.data.columns, checks=not plain)


def _roles(context: Context) -> split.Roles:
    science = context.project.science
    regression = context.project.manifest.problem == "regression"
    return split.Roles(science.target(), science.ignored(), science.time(), regression)


def _keys(context: Context, version: int) -> list[tuple[str, ...]]:
    """Columns that may tell copies from rows that are equal by chance: the ignored ones and the time, where there."""
    roles = _roles(context)
    names = [*roles.ignored, *([] if roles.time is None else [roles.time])]
    there = tables.columns(context.tables, RAW, version).names
    return [(name,) for name in dict.fromkeys(names) if name in there]


def _changed(context: Context, version: int) -> list[str]:
    """How the columns differ from those of the last table that passed."""
    if tables.latest(context.tables, PREPARED) is None:
        return []
    before, after = tables.columns(context.tables, PREPARED), tables.columns(context.tables, RAW, version)
    return [line for line in conform.difference(before, after) if not line.startswith(f"- {split.SPLIT} (")]


def _known(context: Context, version: int, frozen: TableVersion, roles: split.Roles) -> split.Read:
    """The rows of the frozen reference table, as the split sees them."""
    there = tables.columns(context.tables, REFERENCE, frozen.version).names
    wanted = [name for name in tables.columns(context.tables, RAW, version).names if name not in roles.ignored]
    missing = [name for name in wanted if name not in there]
    if missing:
        raise FactoryError(
            f"the frozen reference table, which judges old and new models alike, has no column {missing[0]}: "
            f"python -m {context.project.manifest.package} run --new-reference freezes new test rows"
        )
    columns = [*wanted, *(name for name in roles.ignored if name in there)]
    frames = tables.batches(context.tables, REFERENCE, frozen.version, columns=columns)
    plain = replace(roles, ignored=tuple(name for name in roles.ignored if name in there), time=None)
    return split.scan(frames, plain, context.settings.data.group)


def _write_prepared(context: Context, version: int, hashed: row_hash.Hashes, sides: split.Sides) -> TableVersion:
    """The rows of each side together, in the order of the raw table."""
    import numpy as np

    names = tables.columns(context.tables, RAW, version).names
    found = [np.flatnonzero(sides == number) for number in range(len(split.NAMES))]
    digest = row_hash.digest(names, (hashed[places] for places in found), [len(places) for places in found])
    starts = dict(zip(split.NAMES, np.cumsum([0, *map(len, found[:-1])]).tolist(), strict=True))
    chunks = _sided(_conformed(context, version, checked=False), sides)
    return tables.write(context.tables, PREPARED, chunks, digest, by=split.SPLIT, starts=starts)


def _sided(frames: Iterator[pd.DataFrame], sides: split.Sides) -> Iterator[pd.DataFrame]:
    """The rows of a chunk by side."""
    import numpy as np

    start = 0
    for frame in frames:
        here: np.ndarray[Any, Any] = sides[start : start + len(frame)]
        start += len(frame)
        for number, name in enumerate(split.NAMES):
            places = np.flatnonzero(here == number)
            if len(places):
                yield frame.take(places).assign(**{split.SPLIT: name})


def _without_outliers(context: Context, version: int, sides: split.Sides) -> tuple[split.Sides, dict[str, Any]]:
    """The sides with training rows moved to `spare` where conf removes their outliers, and the report on these."""
    settings = context.settings.data
    names = outliers.chosen(settings.columns, outliers.REMOVE)
    if not names:
        return sides, {}
    training, spare = split.NAMES.index(split.TRAIN), split.NAMES.index(split.SPARE)
    by_side = _sided(_conformed(context, version, checked=False), sides)
    trained = (frame for frame in by_side if frame[split.SPLIT].iat[0] == split.TRAIN)
    limits = outliers.learn(trained, names, settings.outlier_sigmas)
    report = {name: {**_limits(ends, outliers.REMOVE), "removed": 0, "kept": 0} for name, ends in limits.items()}
    made, start = sides.copy(), 0
    for frame in _conformed(context, version, checked=False):
        here = slice(start, start + len(frame))
        start += len(frame)
        for name, ends in limits.items():
            far = outliers.beyond(frame, name, ends)
            report[name]["removed"] += int((far & (sides[here] == training)).sum())
            report[name]["kept"] += int((far & (sides[here] != training) & (sides[here] >= 0)).sum())
            made[here][far & (sides[here] == training)] = spare
    return made, report


def _outliers(context: Context, prepared: int, found: Mapping[str, int]) -> dict[str, Any]:
    """How many values of each column lie beyond the limits of its training rows: counted, or capped by the model."""
    settings = context.settings.data
    capped = outliers.chosen(settings.columns, outliers.CAP)
    names = list(dict.fromkeys([*capped, *found]))
    limits = outliers.of_training_rows(context.tables, prepared, names, settings.outlier_sigmas)
    counts = outliers.count(context.tables, prepared, limits)
    return {name: {**_limits(limits[name], "cap" if name in capped else "count"), **counts[name]} for name in limits}


def _limits(ends: outliers.Limits, what: str) -> dict[str, Any]:
    return {"outliers": what, "least": ends[0], "most": ends[1]}


def _moved(report: Mapping[str, Any], removed: int) -> dict[str, Any]:
    """The report on the sides after training rows were removed."""
    splits = {**report["splits"], split.TRAIN: report["splits"][split.TRAIN] - removed}
    if removed:
        _log.warning("note: %s training rows with outliers are taken out of training, as data.columns says", removed)
    return {**report, "splits": splits, "spare_rows": report["spare_rows"] + removed}


def _report(context: Context, handoff: Handoff) -> dict[str, Any]:
    """What validate found; UsageProblem when it has not run."""
    place = handoffs.folder(context.artifacts, handoff.id) / older_rules.REPORT
    if not place.is_file():
        raise UsageProblem(f"run {handoff.id} has not been validated yet: run validate first")
    report: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    quality.refuse(report)
    return report


def _write_report(context: Context, handoff: Handoff, report: Mapping[str, Any]) -> None:
    place = handoffs.folder(context.artifacts, handoff.id) / older_rules.REPORT
    files.write(place, json.dumps(report, indent=2, allow_nan=False))


def _say_equal(report: Mapping[str, Any], settings: DataSettings) -> None:
    """What becomes of copies and of rows that are equal and no copies."""
    if report["duplicates"]:
        key = " and ".join(report["key"])
        _log.warning("note: %s rows are copies, equal in every column and in %s: left out", report["duplicates"], key)
    if not report["equal_rows"]:
        return
    if settings.group is not None and settings.equal_rows == "spread":
        _log.warning("note: data.equal_rows: spread has no effect beside data.group, whose rows stay together")
    elif settings.equal_rows is None:
        _log.warning(
            "note: %s rows equal another one; no key says that they are copies, so all count. Their inputs stay on one "
            "side of the split: write data.equal_rows: together in conf, or spread where the columns take few values",
            report["equal_rows"],
        )


def _say_older(context: Context, handoff: Handoff, report: Mapping[str, Any]) -> None:
    """Once, that rows count which earlier runs left out: so the table is another, and the model is trained again."""
    before = older_rules.left_out_before(context.artifacts, handoff.id) - report["duplicates"]
    if report["equal_rows"] and before > 0:
        _log.warning(
            "note: earlier runs took %s rows that equal another one for copies and left them out. They count now, so "
            "the model is trained once more; probabilities of the models before are wrong. Their frozen test rows lack "
            "them too: python -m %s run --new-reference freezes new ones",
            before,
            context.project.manifest.package,
        )


def _leaks(context: Context, report: Mapping[str, Any]) -> None:
    """Say, or refuse, that rows to test on are known from training."""
    tested = report["splits"][split.TEST]
    for what, count in report["test_rows_known_from_training"].items():
        said = f"{count} of {tested} test rows have their {what} in training too"
        if count > context.settings.data.max_leakage_share * tested:
            raise FactoryError(f"{said}, more than data.max_leakage_share allows: name a column in data.group")
        if count > _SAY_ABOVE * tested:
            _log.warning("note: %s, so the test may flatter the model: data.group in conf keeps them apart", said)
