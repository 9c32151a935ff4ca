"""Whether a model answers rows that SCHEMA lets in and training never saw: missing values, extremes, unknown texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.data.columns import capped
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.registry.model_folder import Column

NAME = "stress"
UNSEEN = "a text that no row had"
_MOST_REASONS = 3
_GAPS = {"text": None, "category": None, "date": np.datetime64("NaT", "us")}
Array = np.ndarray[Any, Any]
Columns = Mapping[str, Array]
Ask = Callable[[Columns], Array]
"""Raw columns in, numbers of shape (rows,) or (rows, classes) out; ValueError when there is no answer."""


@dataclass(frozen=True)
class Case:
    """One thing that is changed in every row that is tried."""

    name: str
    values: Mapping[str, Any]
    """By column."""


def cases(columns: Sequence[Column], ranges: Mapping[str, tuple[float, float]]) -> list[Case]:
    """What is tried; `ranges` are least and most of numbers among training rows.

    An extreme lies a whole range beyond them, within what the column lets in; of one with a `cap` the model gets that,
    as it does in the service.
    """
    found = [case for column in columns for case in _of(column, ranges.get(column.name))]
    gaps = {column.name: _gap(column) for column in columns if column.nullable}
    return [*found, Case("all missing that may be", gaps)] if len(gaps) > 1 else found


def of(rows: Columns, found: Sequence[Case], ask: Ask, limits: tuple[float, float] | None, *, refuse: bool) -> Evidence:
    """What `ask` says of the rows with each case; `limits` are those of a regression's answers."""
    wrong = _found(rows, found, ask, limits)
    said = [f"stress: rows with {name}: {what}" for name, what in list(wrong.items())[:_MOST_REASONS]]
    more = len(wrong) - _MOST_REASONS
    said += [f"stress: so it is in {more} more cases, see gate.json"] if more > 0 else []
    report = {
        "cases": [case.name for case in found],
        "rows": len(next(iter(rows.values()), ())),
        "wrong": wrong,
        "refuse": refuse,
    }
    return Evidence(NAME, report, tuple(said) if refuse else (), () if refuse else tuple(said))


def _of(column: Column, ends: tuple[float, float] | None) -> Iterator[Case]:
    if column.nullable:
        yield Case(f"{column.name} missing", {column.name: _gap(column)})
    if column.kind == "text" and (column.maximum is None or column.maximum >= len(UNSEEN)):
        yield Case(f"{column.name} unknown", {column.name: UNSEEN})
    if column.kind == "category":
        yield from (Case(f"{column.name} = {value}", {column.name: value}) for value in (column.categories or ())[:20])
    if column.kind not in {"number", "integer"} or ends is None:
        return
    span = ends[1] - ends[0]
    low, high = ends[0] - span, ends[1] + span
    low = low if column.minimum is None else max(low, column.minimum)
    high = high if column.maximum is None else min(high, column.maximum)
    if column.kind == "integer":
        low, high = np.floor(low), np.ceil(high)
    if low < ends[0]:
        yield Case(f"{column.name} far below", {column.name: _given(column, low)})
    if high > ends[1]:
        yield Case(f"{column.name} far above", {column.name: _given(column, high)})


def _given(column: Column, number: float) -> float:
    """What the model gets of a number that comes in."""
    return float(capped(np.array([number], dtype=np.float64), column)[0])


def _gap(column: Column) -> Any:
    return _GAPS.get(column.kind, np.nan)


def _found(rows: Columns, found: Sequence[Case], ask: Ask, limits: tuple[float, float] | None) -> dict[str, str]:
    """What is wrong, by case. All are asked about at once; only where that raises, one by one."""
    count = len(next(iter(rows.values()), ()))
    changed = [_changed(rows, case, count) for case in found]
    if not changed:
        return {}
    together = {name: np.concatenate([one[name] for one in changed]) for name in rows}
    wrong: dict[str, str] = {}
    parts: list[Array | str]
    try:
        parts = [*np.split(_asked(ask, together), len(found))]
    except Exception:
        parts = [_alone(ask, one) for one in changed]
    for case, part in zip(found, parts, strict=True):
        what = part if isinstance(part, str) else _wrong(part, limits)
        if what is not None:
            wrong[case.name] = what
    return wrong


def _alone(ask: Ask, columns: Columns) -> Array | str:
    try:
        return _asked(ask, columns)
    except Exception as error:
        return f"no answer ({type(error).__name__})"


def _asked(ask: Ask, columns: Columns) -> Array:
    with np.errstate(all="ignore"):
        return ask(columns)


def _wrong(said: Array, limits: tuple[float, float] | None) -> str | None:
    if not np.isfinite(said).all():
        return "no finite answer"
    if limits is not None and ((said < limits[0]).any() or (said > limits[1]).any()):
        worst = said[np.argmax(np.abs(said - np.mean(limits)))]
        return f"an answer of {worst:.4g}, far beyond those it learned from"
    return None


def _changed(rows: Columns, case: Case, count: int) -> dict[str, Array]:
    return {
        name: np.full(count, case.values[name], dtype=values.dtype) if name in case.values else values
        for name, values in rows.items()
    }
