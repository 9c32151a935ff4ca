"""What is wrong with the inputs of a window, beside drift: columns, missing values, ranges, what is stuck or unseen.

Each is held against the profile of the training rows, with room for the noise of so few rows: of the range exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aifactory_runtime.monitoring import bins, chance, profile, result
from aifactory_runtime.monitoring.bins import Categories
from aifactory_runtime.monitoring.columns import fits
from aifactory_runtime.monitoring.profile import ColumnProfile
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.registry.model_folder import InputSchema

SCHEMA, MISSING, RANGE, STUCK, UNSEEN = "schema", "missing", "range", "stuck", "unseen"
MORE_MISSING = 0.05
"""So much more of a column may be missing than among the training rows."""
MOST_OUTSIDE = 0.01
"""So much more may lie outside the range of the training rows."""
MOST_UNSEEN = 0.01
"""So much of a category may be a value that no training row has."""
_CHANCE = 1e-4
"""How likely a window without any change is to be an alarm of the range of one column."""
_SIGMAS = 4.0
_BY_CHANCE = 1e-6
_NO_PROFILE = "the model has no profile of its training rows: train it again"
_NOT_RECORDED = "the column is not recorded as it came"
_NO_VALUE = "no row has a value"


def schema(rows: Sequence[Mapping[str, Any]], declared: InputSchema, hidden: frozenset[str]) -> Result:
    """The share of rows that lack a column of the model, or hold a value of another kind; none of `hidden` counts."""
    looked_at = [column for column in declared.columns if column.name not in hidden]
    wrong = {
        column.name: sum(column.name not in row or not fits(column, row[column.name]) for row in rows)
        for column in looked_at
    }
    odd = sum(any(each.name not in row or not fits(each, row[each.name]) for each in looked_at) for row in rows)
    worst = max(wrong, key=lambda name: wrong[name], default="")
    reason = f"{odd} of {len(rows)} rows do not fit the model's columns, most of all {worst}"
    return result.judged(Result("data", SCHEMA), odd / max(1, len(rows)), 0.0, reason)


def of_column(name: str, column: pa.ChunkedArray | None, known: ColumnProfile | None) -> list[Result]:
    """All but the schema, of one column; `known` is None for a model from before there were profiles."""
    blank = {monitor: Result("data", monitor, name) for monitor in (MISSING, RANGE, STUCK, UNSEEN)}
    if column is None:
        return [result.without(each, _NOT_RECORDED) for each in blank.values()]
    if known is None:
        return [result.without(each, _NO_PROFILE) for each in blank.values()]
    there = column.drop_null()
    found = [_missing(blank[MISSING], column, known), _stuck(blank[STUCK], there, known)]
    if isinstance(known.bins, Categories):
        return [*found, _unseen(blank[UNSEEN], there, known)]
    return found if pa.types.is_temporal(column.type) else [*found, _outside(blank[RANGE], there, known)]


def _missing(blank: Result, column: pa.ChunkedArray, known: ColumnProfile) -> Result:
    share = column.null_count / max(1, len(column))
    limit = known.missing + MORE_MISSING + _noise(known.missing, len(column))
    reason = f"{share:.1%} of the values are missing, {known.missing:.1%} among the training rows"
    return result.judged(blank, share, min(limit, 1.0), reason)


def _outside(blank: Result, there: pa.ChunkedArray, known: ColumnProfile) -> Result:
    if known.low is None or known.high is None or not len(there):
        return result.without(blank, _NO_VALUE)
    values = bins.numbers(there)
    share = float(((values < known.low) | (values > known.high)).mean())
    by_chance = chance.most_outside(known.there, len(values), _CHANCE) / len(values)
    reason = f"{share:.1%} of the values lie outside what 99.8 % of the training rows have"
    return result.judged(blank, share, max(MOST_OUTSIDE + profile.OUTSIDE, by_chance), reason)


def _stuck(blank: Result, there: pa.ChunkedArray, known: ColumnProfile) -> Result:
    """One value only where that many rows of training would not have had one: stuck is 1, else 0."""
    if not len(there):
        return result.without(blank, _NO_VALUE)
    by_chance = known.top ** len(there) if known.top else 0.0
    stuck = pc.count_distinct(there).as_py() == 1 and by_chance < _BY_CHANCE
    return result.judged(blank, float(stuck), 0.0, "every row has the same value")


def _unseen(blank: Result, there: pa.ChunkedArray, known: ColumnProfile) -> Result:
    if not known.complete:
        return result.without(blank, "the training rows have more values than are kept")
    if not len(there):
        return result.without(blank, _NO_VALUE)
    share = float((known.bins.place(there) == known.bins.count - 1).mean())
    reason = f"{share:.1%} of the values are none of the training rows"
    return result.judged(blank, share, MOST_UNSEEN + _noise(0.0, len(there)), reason)


def _noise(share: float, rows: int) -> float:
    """How far the share of so many rows may lie from the true one by chance."""
    return _SIGMAS * math.sqrt(share * (1 - share) / max(1, rows))
