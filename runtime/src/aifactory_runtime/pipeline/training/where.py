"""Where a training is done, asked of the rule with what is known before any row is read, and said."""

from __future__ import annotations

import logging

from aifactory_runtime.cluster.choice import Place
from aifactory_runtime.data import declared, split, tables
from aifactory_runtime.data.tables import PREPARED
from aifactory_runtime.pipeline import executing, memory
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import cluster, fitting, ways

_LOG = logging.getLogger("aifactory.train")


def of(context: Context, handoff: Handoff) -> Place:
    """Where, of this process and the cluster; UsageProblem when it can be done in neither.

    Of the rows only their number is looked up, and nothing at all where there is no cluster to choose.
    """
    settings, science = context.settings.train, context.project.science
    found = cluster.size(context)
    if found is None or settings.engine == "local":
        return "process"
    estimator = fitting.make(context, settings.parameters)
    version = handoff.table(PREPARED, "prepare").version
    rows = tables.count(context.tables, PREPARED, version, (split.SPLIT, split.TRAIN))
    columns = len(declared.input_columns(science.schema(), science.target(), science.ignored()))
    if settings.search is not None and settings.engine == "dask" and found.holds(memory.needed(rows, columns)):
        _LOG.warning("each trial of %d rows fits into a worker: several at a time on %s", rows, found.said)
        return "process"
    choice = ways.chosen(settings.engine, estimator, (rows, columns), found)
    if choice.where == "cluster" and not found.known:
        with executing.of(context, always=True) as executor:
            choice = ways.chosen("dask", estimator, (rows, columns), cluster.asked(executor))
    _LOG.warning("%s", choice.reason)
    return choice.where
