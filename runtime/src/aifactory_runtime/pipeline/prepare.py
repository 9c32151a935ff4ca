"""The step prepare: the raw rows without copies, each in its split; the first test rows are frozen as the reference.

It goes by partition, so no process holds more than a partition, a bucket of rows of the split, or what lies at its
borders.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import outliers, row_hash, split, table_writing, tables
from aifactory_runtime.data.splitting.exchange import Exchange
from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE, TableVersion
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import (
    executing,
    labelled_window,
    older_rules,
    sided_rows,
    split_rows,
    validation_report,
)
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.sided_rows import Settled
from aifactory_runtime.pipeline.split_rows import About, Given, Sided
from aifactory_runtime.pipeline.table_rows import ConformedRows, TableRows

_SAY_ABOVE = 0.05
"""Share of test rows known from training that is worth a line; conf says what is refused."""
_EXCHANGE = "exchange"
_log = logging.getLogger(__name__)


def prepare(context: Context, handoff: Handoff) -> Handoff:
    """The raw rows without copies, each in its split, as a version of `prepared`.

    The test rows of the first time are frozen as `reference`, which is written again only when a run asks for that, as
    a version of its own also when the rows are the same.
    """
    with executing.of(context) as executor:
        return by_partition(context, handoff, executor)


def by_partition(context: Context, handoff: Handoff, executor: Executor) -> Handoff:
    """As `prepare`, over an executor; the same rows, whichever it is."""
    version = handoff.table(RAW, "ingest").version
    report = validation_report.read(context, handoff)
    frozen = None if handoff.new_reference else tables.latest(context.tables, REFERENCE)
    with _exchange(context, handoff) as folder:
        table = _raw(context, version)
        key = tuple(report.get("key") or ())
        sided = _Splitting(context, executor, folder, table).sided(key, frozen)
        _say_equal(report, context.settings.data)
        _say_older(context, handoff, report)
        _leaks(context, sided.report)
        settled, removed, window = _settled(context, handoff, executor, sided, frozen=frozen is None)
        found = _write_prepared(context, version, sided, settled)
        treated = {**_outliers(context, executor, found.version, report["outliers"]), **removed}
        report |= _moved(
            sided.report, sided.report["splits"][split.TRAIN] - sided.report["spare_rows"] - settled.rows[0]
        )
        validation_report.write(context, handoff, {**report, "outlier_limits": treated})
        if frozen is None:
            frozen = _freeze(context, handoff, found, sided)
    return replace(handoff, tables={**handoff.tables, PREPARED: found, REFERENCE: frozen}, window=window)


@contextmanager
def _exchange(context: Context, handoff: Handoff) -> Iterator[Path]:
    """The folder through which the run's processes hand each other rows; nothing of it stays."""
    folder = handoffs.folder(context.artifacts, handoff.id) / _EXCHANGE
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _raw(context: Context, version: int) -> ConformedRows:
    science, settings = context.project.science, context.settings.data.columns
    return ConformedRows(context.tables, RAW, version, science=science, settings=settings)


@dataclass(frozen=True)
class _Splitting:
    """The split of the raw table, by way of a folder."""

    context: Context
    executor: Executor
    folder: Path
    table: TableRows

    def sided(self, key: tuple[str, ...], frozen: TableVersion | None) -> Sided:
        """The raw table with the side of each row; `key` tells copies from other rows."""
        roles, settings = split_rows.roles(self.context), self.context.settings.data
        buckets = split_rows.buckets_for(tables.count(self.context.tables, RAW, self.table.version))
        about = About(roles, settings.group, key)
        given = split_rows.give(self.executor, Exchange(self.folder, "rows", buckets), self.table, about)
        known = None if frozen is None else self._known(frozen, roles, buckets)
        return split_rows.decide_sides(self.executor, given, settings, known)

    def _known(self, frozen: TableVersion, roles: split.Roles, buckets: int) -> Given:
        """The rows of the frozen reference table, as the split sees them."""
        context = self.context
        there = tables.columns(context.tables, REFERENCE, frozen.version).names
        raw = tables.columns(context.tables, RAW, self.table.version).names
        wanted = [name for name in raw if name not in roles.ignored]
        missing = [name for name in wanted if name not in there]
        if missing:
            raise FactoryError(
                f"the frozen reference table, which judges old and new models alike, has no column {missing[0]}: "
                f"python -m {context.project.manifest.package} run --new-reference freezes new test rows"
            )
        columns = [*wanted, *(name for name in roles.ignored if name in there)]
        table = TableRows(context.tables, REFERENCE, frozen.version, columns)
        plain = replace(roles, ignored=tuple(name for name in roles.ignored if name in there), time=None)
        exchange = Exchange(self.folder, "reference", buckets)
        return split_rows.give(self.executor, exchange, table, About(plain, context.settings.data.group))


def _settled(
    context: Context, handoff: Handoff, executor: Executor, sided: Sided, *, frozen: bool
) -> tuple[Settled, dict[str, Any], dict[str, Any]]:
    """The rows where they stay: training rows with outliers that conf removes are spare; the report on these.

    And what the handoff says of the newest labelled rows; `frozen` is whether this run freezes its test rows.
    """
    settings = context.settings.data
    names = outliers.chosen(settings.columns, outliers.REMOVE)
    ends = sided_rows.limits(executor, sided, names, settings.outlier_sigmas)
    rows = sum(sided.given.counts)
    sources = () if frozen else tuple(labelled_window.sources(context, handoff, rows))
    ask = sided_rows.Ask(sided, ends, sources, context.settings.gate.window.rows)
    settled = sided_rows.settle(executor, ask)
    removed = {
        name: {**_limits(ends[name], outliers.REMOVE), "removed": far.removed, "kept": far.kept}
        for name, far in settled.far.items()
    }
    if frozen:
        return settled, removed, {"why": "every test row is in the reference, which this run froze"}
    chosen = labelled_window.choose(context, handoff, list(zip(sources, settled.newest, strict=True)))
    return settled, removed, chosen


def _write_prepared(context: Context, version: int, sided: Sided, settled: Settled) -> TableVersion:
    """The rows of each side together, in the order of the raw table."""
    names = tables.columns(context.tables, RAW, version).names
    hashed = chain.from_iterable(sided.hashes(side) for side in split.NAMES)
    digest = row_hash.digest(names, hashed, list(settled.rows))
    starts = dict(zip(split.NAMES, np.cumsum([0, *settled.rows[:-1]]).tolist(), strict=True))
    chunks = chain.from_iterable(sided_rows.frames(sided, one) for one in sided.given.partitions)
    return table_writing.write(context.tables, PREPARED, chunks, digest, by=split.SPLIT, starts=starts)


def _freeze(context: Context, handoff: Handoff, found: TableVersion, sided: Sided) -> TableVersion:
    """The test rows as the reference."""
    names = [name for name in tables.columns(context.tables, PREPARED, found.version).names if name != split.SPLIT]
    test = (split.SPLIT, split.TEST)
    chunks = tables.batches(context.tables, PREPARED, found.version, columns=names, where=test)
    digest = row_hash.digest(names, sided.hashes(split.TEST))
    return table_writing.write(context.tables, REFERENCE, chunks, digest, again=handoff.new_reference)


def _outliers(context: Context, executor: Executor, prepared: int, found: Mapping[str, int]) -> dict[str, Any]:
    """How many values of each column lie beyond the limits of its training rows: counted, or capped by the model."""
    settings = context.settings.data
    capped = outliers.chosen(settings.columns, outliers.CAP)
    names = list(dict.fromkeys([*capped, *found]))
    sigmas = settings.outlier_sigmas
    limits, counts = sided_rows.prepared_outliers(executor, context.tables, prepared, names, sigmas)
    return {name: {**_limits(limits[name], "cap" if name in capped else "count"), **counts[name]} for name in limits}


def _limits(ends: outliers.Limits, what: str) -> dict[str, Any]:
    return {"outliers": what, "least": ends[0], "most": ends[1]}


def _moved(report: Mapping[str, Any], removed: int) -> dict[str, Any]:
    """The report on the sides after training rows were removed."""
    splits = {**report["splits"], split.TRAIN: report["splits"][split.TRAIN] - removed}
    if removed:
        _log.warning("note: %s training rows with outliers are taken out of training, as data.columns says", removed)
    return {**report, "splits": splits, "spare_rows": report["spare_rows"] + removed}


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
