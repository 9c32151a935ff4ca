"""How the trials of a search are fitted: one after the other in this process, or as tasks on the workers."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aifactory_runtime.cluster.executor import Executor
from aifactory_runtime.config.project import Project
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import memory
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.training import cluster, fitting, training_data
from aifactory_runtime.pipeline.training.fitting import Fitted
from aifactory_runtime.pipeline.training.training_data import TrainingData

_LOG = logging.getLogger("aifactory.train")
Parameters = Mapping[str, Any]
Fit = Callable[[Iterable[Parameters]], Iterator[Fitted | FactoryError]]
"""What each set of parameters gives, in their order; parameters are taken as there is room for them."""


def of(context: Context, handoff: Handoff, data: TrainingData, executor: Executor) -> Fit:
    """The way for these data: those that are trained by partition take the whole cluster, one after the other.

    What gives no model is given as its error. A UsageProblem, such as a parameter that make_model does not take, is
    raised: it ends the search.
    """
    if executor.workers == 1 or data.parted is not None:
        return here(context, data)
    if not cluster.asked(executor).holds(memory.needed(*data.train.values.shape)):
        _LOG.warning("the rows do not fit into a worker: the trials are fitted one after the other in this process")
        return here(context, data)

    def spread(trials: Iterable[Parameters]) -> Iterator[Fitted | FactoryError]:
        table = _Table(handoff.id, context.project, handoff)
        for outcome in executor.in_order(_trial, ((table, dict(one)) for one in trials), what="trial"):
            for level, text in outcome.said:
                _LOG.log(level, "%s", text)
            yield outcome.found

    return spread


def here(context: Context, data: TrainingData) -> Fit:
    """One after the other, each with all that the data are trained by."""
    return lambda trials: (_fitted(context, data, one) for one in trials)


def _fitted(context: Context, data: TrainingData, parameters: Parameters) -> Fitted | FactoryError:
    try:
        return fitting.fit(context, data, parameters)
    except UsageProblem:
        raise
    except FactoryError as error:
        return error


@dataclass(frozen=True)
class _Table:
    """What a worker reads the rows by; one run's are read once by a process."""

    run: str
    project: Project = field(compare=False)
    handoff: Handoff = field(compare=False)


@dataclass(frozen=True)
class _Outcome:
    found: Fitted | FactoryError
    said: tuple[tuple[int, str], ...]
    """Lines of the log, with their levels: the worker's own log is nobody's."""


def _trial(given: tuple[_Table, dict[str, Any]]) -> _Outcome:
    table, parameters = given
    listener = _Listener()
    _LOG.addHandler(listener)
    try:
        found = _fitted(Context(table.project), _loaded(table), parameters)
    finally:
        _LOG.removeHandler(listener)
    return _Outcome(found, tuple(listener.said))


@lru_cache(maxsize=1)
def _loaded(table: _Table) -> TrainingData:
    return training_data.load(Context(table.project), table.handoff)


class _Listener(logging.Handler):
    """Keeps what is said of a fit."""

    def __init__(self) -> None:
        super().__init__()
        self.said: deque[tuple[int, str]] = deque(maxlen=100)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append((record.levelno, record.getMessage()))
