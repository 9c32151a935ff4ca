"""Whether the champion answers groups of people alike: labelled windows, by the measure of the gate. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from aifactory_runtime.gate import fairness
from aifactory_runtime.gate.cuts import Cut
from aifactory_runtime.gate.fairness import Difference, Judged
from aifactory_runtime.gate.slices import LEAST_ROWS, Placed
from aifactory_runtime.monitoring import model_rules, result
from aifactory_runtime.monitoring.model_rules import OVER, Labelled
from aifactory_runtime.monitoring.result import Result

FAIRNESS = "fairness"
_SEED = 1
"""A window is judged alike whenever it is read."""


@dataclass(frozen=True)
class Wanted:
    """The protected columns that the settings name, and by what they are judged."""

    columns: tuple[str, ...] = ()
    metric: str = ""
    limit: float | None = None
    """None shows differences and decides nothing."""
    cuts: tuple[Cut, ...] = ()
    """The groups of the gate, as they were kept with the model."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Columns whose values no prediction has on record, and why."""


def of_window(rows: Labelled, wanted: Wanted, before: Collection[str]) -> list[Result]:
    """By column the largest difference of the figures that decide; `before` as `model_rules.over` has it.

    Beyond the limit, no chance and so in two windows running is an alarm. Rows count one by one.
    """
    if not wanted.columns:
        return [result.without(Result("model", FAIRNESS), fairness.NOT_NAMED)]
    cuts = {one.column: one for one in wanted.cuts}
    placed = [Placed(name, cuts[name].names, rows.groups[name]) for name in wanted.columns if name in rows.groups]
    judged = Judged(rows.labels, rows.said)
    found, _ = fairness.differences(placed, judged, wanted.metric, wanted.limit, seed=_SEED)
    return [model_rules.twice(one, before) for one in _by_column(found, wanted, rows)]


def _by_column(found: Collection[Difference], wanted: Wanted, rows: Labelled) -> Iterator[Result]:
    kept = {one.column for one in wanted.cuts}
    for name in wanted.columns:
        blank = Result("model", FAIRNESS, name, threshold=wanted.limit)
        if name not in rows.groups:
            yield result.without(blank, wanted.absent.get(name) or _missing(name in kept))
            continue
        own = [one for one in found if one.column == name and one.metric == wanted.metric and one.value is not None]
        if not own:
            yield result.without(blank, f"no two groups have {LEAST_ROWS} labelled rows that count")
            continue
        yield _judged(blank, own, wanted.limit, len(rows.labels))


def _judged(blank: Result, own: Collection[Difference], limit: float | None, rows: int) -> Result:
    """The largest difference; of those that are beyond the limit the largest."""
    one = max(own, key=lambda each: (each.beyond, each.value or 0.0))
    over = one.beyond and limit is not None
    facts = {OVER: over, "metric": one.metric, "figure": one.figure, "low": one.low, "high": one.high, "rows": rows}
    reason = fairness.sentence(one, limit) if over else ""
    return Result(blank.area, blank.monitor, blank.subject, one.value, limit, reason=reason, facts=facts)


def _missing(kept: bool) -> str:
    if kept:
        return "the column is not on record as it came in all of the window: its groups are not known"
    return "the model was judged before its groups were kept: train it again"
