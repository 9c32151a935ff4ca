"""Tries algorithms and hyperparameters within a budget: each trial a run of its own below the pipeline's."""

from __future__ import annotations

import itertools
import logging
import math
import random
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from aifactory_runtime.config.search import Choice, Range, SearchSettings, Space
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate.metrics import LOWER_IS_BETTER, Metric
from aifactory_runtime.pipeline import progress
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.training import fitting, trials
from aifactory_runtime.pipeline.training.fitting import Fitted
from aifactory_runtime.pipeline.training.training_data import TrainingData
from aifactory_runtime.pipeline.training.trials import Fit
from aifactory_runtime.registry.port import PREFIX

ALGORITHM = "algorithm"
_MOST_LISTED = 10_000
"""Spaces of no more combinations are shuffled and gone through; larger ones are drawn from."""
_MISSES = 1_000
"""So many draws in a row that were tried before: the space has no more."""
_LOG = logging.getLogger("aifactory.train")


def best(context: Context, data: TrainingData, run: str, search: SearchSettings, fit: Fit | None = None) -> Fitted:
    """The trial that does best on the validation rows, of those whose gap is allowed if there are any.

    `train.parameters` are the first trial. Equal seeds give equal trials in equal order, wherever `fit` computes them;
    without it that is this process. FactoryError when none could be fitted.
    """
    settings, metric = context.settings.train, context.metric
    tracked = _Tracked(context, run, search)
    tries = tracked.begun(_trials(settings.parameters, search, settings.seed))
    found = tracked.ended((fit or trials.here(context, data))(tries))
    if not found:
        raise FactoryError(
            f"none of {tracked.tried} trials could be fitted: the tracking runs say why; mend train.search"
        )
    chosen = _choose(found, metric, settings.max_gap)
    figure, gap = chosen.figures.get(fitting.VALIDATION + metric, math.nan), chosen.gap(metric)
    _LOG.warning("search: %d trials, best %s %.4g (gap %.2g)", tracked.tried, metric, figure, gap)
    return chosen


class _Tracked:
    """Each trial as a run of its own below that of the pipeline, within the budget."""

    def __init__(self, context: Context, parent: str, search: SearchSettings) -> None:
        self.tried = 0
        self._registry, self._parent, self._search = context.registry, parent, search
        self._open: deque[tuple[str, Mapping[str, Any]]] = deque()

    def begun(self, tries: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The trials that the budget has room for, as somebody takes them."""
        began, most = time.monotonic(), self._search.budget_seconds
        for parameters in itertools.islice(tries, self._search.budget_trials):
            if self.tried and most is not None and time.monotonic() - began > most:
                return
            progress.detail(f"trial {self.tried + 1} of {self._search.budget_trials}")
            tags = {PREFIX + "trial": str(self.tried)}
            self._open.append((self._registry.start_run(f"trial {self.tried}", tags, self._parent), parameters))
            self.tried += 1
            yield parameters

    def ended(self, outcomes: Iterator[Fitted | FactoryError]) -> list[Fitted]:
        """What could be fitted, in order. What ends the search ends all runs that are open."""
        found = []
        try:
            for outcome in outcomes:
                run, parameters = self._open[0]
                if isinstance(outcome, Fitted):
                    tags = {PREFIX + "converged": str(outcome.problem is None).lower()}
                    self._registry.log(run, parameters, outcome.figures, tags)
                    self._registry.finish_run(run)
                    found.append(outcome)
                else:
                    self._failed(run, parameters, outcome)
                self._open.popleft()
        except BaseException as error:
            for run, parameters in self._open:
                self._failed(run, parameters, error)
            raise
        return found

    def _failed(self, run: str, parameters: Mapping[str, Any], error: BaseException) -> None:
        self._registry.log(run, parameters, tags={PREFIX + "failure": str(error)})
        self._registry.finish_run(run, failed=True)


def _choose(found: list[Fitted], metric: Metric, max_gap: float | None) -> Fitted:
    """The first of the best; a trial without the figure is the worst."""
    allowed = [one for one in found if max_gap is None or one.gap(metric) <= max_gap] or found
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    return min(allowed, key=lambda one: sign * one.figures.get(fitting.VALIDATION + metric, sign * math.inf))


def _trials(fixed: Mapping[str, Any], settings: SearchSettings, seed: int) -> Iterator[dict[str, Any]]:
    """The fixed parameters, then those of the spaces in turn, none twice; ends when the spaces have no more."""
    seen: list[dict[str, Any]] = [dict(fixed)]
    yield dict(fixed)
    draws = [_drawn(space, random.Random(f"{seed} {name}")) for name, space in _spaces(settings)]  # noqa: S311
    while draws:
        for draw in list(draws):
            drawn = itertools.islice(draw, _MISSES)
            parameters = next((trial for one in drawn if (trial := {**fixed, **one}) not in seen), None)
            if parameters is None:
                draws.remove(draw)
                continue
            seen.append(parameters)
            yield parameters


def _spaces(settings: SearchSettings) -> list[tuple[str, Space]]:
    """One space an algorithm, each with what all share; a single one without algorithms."""
    if not settings.algorithms:
        return [("", settings.parameters)]
    return [
        (name, {ALGORITHM: [name], **settings.parameters, **own}) for name, own in sorted(settings.algorithms.items())
    ]


def _drawn(space: Space, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Combinations of a space: all of them in a drawn order when it is small and finite, else without end."""
    lists = {name: choice for name, choice in space.items() if isinstance(choice, list)}
    if len(lists) == len(space) and math.prod(len(choice) for choice in lists.values()) <= _MOST_LISTED:
        combinations = list(itertools.product(*lists.values()))
        draw.shuffle(combinations)
        yield from (dict(zip(lists, values, strict=True)) for values in combinations)
        return
    while True:
        yield {name: _value(choice, draw) for name, choice in space.items()}


def _value(choice: Choice, draw: random.Random) -> Any:
    if not isinstance(choice, Range):
        return draw.choice(choice)
    low, high = (math.log(choice.low), math.log(choice.high)) if choice.log else (choice.low, choice.high)
    value = draw.uniform(low, high)
    value = math.exp(value) if choice.log else value
    return round(value) if choice.whole else float(f"{value:.6g}")
