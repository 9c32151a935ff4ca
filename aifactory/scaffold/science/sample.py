"""The sample of a table for tests and for trying: real rows of a public table, else made-up ones from its figures.

Made-up rows show clearly what they are predicted from, so that tests can tell a model that learns from one that does
not. They say nothing about how well the table itself can be learned.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from aifactory.profile import Column, Table
from aifactory.scaffold.science.brief import Brief, limits
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import cell_reading

ROWS = 300
REAL_ROWS = 500
_ROWS_A_CLASS = 12
_SEED = 7
_SIGNAL, _NOISE = 1.0, 0.5
_SURE = 0.85
_OTHERS, _MOST_OTHERS = 0.3, 25
"""Share of rows with a text of an open category that is not kept apart, and how many such texts there are."""
_MOST_EMPTY = 0.2
_WORDS = ("about", "after", "blue", "early", "green", "late", "more", "never", "often", "plain", "quick", "slow")
_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Days from 1970 to 0001-01-01 and to 9999-12-31."""
_LEAST, _MOST = -(2.0**62), 2.0**62
"""Ends of whole numbers for which the schema names none: they must fit into 64 bits."""
_DIGITS = 4

Row = dict[str, Any]
Draw = np.random.Generator


def rows(brief: Brief, table: Table) -> list[Row]:
    """Rows as values: numbers, truth values, texts, dates as ISO 8601, None for what is missing."""
    return _real(brief, table) if brief.real_sample else _made_up(brief)


def as_csv(found: Sequence[Row], columns: Sequence[str], read: ReadSettings) -> bytes:
    """The rows as the table itself is written; where lines stand before its header, blank ones do."""
    stream = io.StringIO(newline="")
    stream.write("\n" * read.skip_rows)
    writer = csv.writer(stream, delimiter=read.separator, lineterminator="\n")
    writer.writerow(columns)
    for row in found:
        writer.writerow([cell_reading.cell(row[name], read.columns.get(name), read.decimal) for name in columns])
    return stream.getvalue().encode(read.encoding, errors="replace")


def request(brief: Brief, found: Sequence[Row]) -> dict[str, Any]:
    """What the scoring service is asked: the row with the fewest gaps, without target and ignored columns."""
    names = [c.name for c in brief.proposal.columns if c.used and not (c.role == "time" and c.kind != "date")]
    fullest = min(found, key=lambda row: sum(row[name] is None for name in names))
    return {"rows": [{name: fullest[name] for name in names}]}


def _real(brief: Brief, table: Table) -> list[Row]:
    """Kept rows in their order; of every class some, where there are classes."""
    proposal = brief.proposal
    kinds = {column.name: column.kind for column in proposal.columns} | {proposal.target.name: proposal.problem.kind}
    values = {column.name: table.values(column.name, kinds[column.name]).to_pylist() for column in table.columns}
    chosen = _spread(values[proposal.target.name], brief.regression)
    return [{name: _value(found[place]) for name, found in values.items()} for place in chosen]


def _spread(labels: Sequence[Any], regression: bool) -> list[int]:
    known = [place for place, label in enumerate(labels) if label is not None]
    if len(known) <= REAL_ROWS:
        return known
    evenly = [known[place] for place in np.linspace(0, len(known) - 1, REAL_ROWS).astype(int)]
    if regression:
        return evenly
    by_class: dict[Any, list[int]] = {}
    for place in known:
        by_class.setdefault(labels[place], []).append(place)
    some = {place for places in by_class.values() for place in places[:_ROWS_A_CLASS]}
    return sorted(some | set(evenly))


def _made_up(brief: Brief) -> list[Row]:
    draw = np.random.default_rng(_SEED)
    labels, places = _targets(brief, draw)
    signs = {} if brief.regression else _signs(brief, draw)
    made = []
    for number, (label, place) in enumerate(zip(labels, places, strict=True)):
        row: Row = {}
        for column in brief.proposal.columns:
            towards = 2 * place - 1 if brief.regression else signs[column.name][int(place)]
            row[column.name] = _made_value(brief, column, towards, (number, len(labels)), draw)
        row[brief.proposal.target.name] = label
        made.append(row)
    return made


def _targets(brief: Brief, draw: Draw) -> tuple[list[Any], list[float]]:
    """A target for every row; and its place from 0 to 1 among numbers, its number among classes."""
    target, problem = brief.proposal.target, brief.proposal.problem
    if brief.regression:
        low, high = _span(target)
        places = draw.random(ROWS)
        numbers = [_rounded(low + place * (high - low), high - low) for place in places.tolist()]
        return [round(n) for n in numbers] if problem.kind == "integer" else numbers, places.tolist()
    labels = [label for label, _ in problem.classes]
    shown = [f"class_{n}" for n in range(1, len(labels) + 1)] if brief.secret and not brief.labels else labels
    count = max(ROWS, _ROWS_A_CLASS * len(labels))
    drawn = draw.permutation(np.arange(count) % len(labels))
    return [shown[number] for number in drawn], drawn.astype(float).tolist()


def _signs(brief: Brief, draw: Draw) -> dict[str, Any]:
    """Which way each class pulls each column; the first column tells neighbours apart."""
    count = len(brief.proposal.problem.classes)
    signs = {column.name: draw.choice([-1.0, 1.0], size=count) for column in brief.proposal.columns}
    for column in brief.proposal.used[:2]:
        signs[column.name] = np.linspace(-1.0, 1.0, count)
    return signs


def _made_value(brief: Brief, column: Column, towards: float, stands: tuple[int, int], draw: Draw) -> Any:
    """One value; `towards` (-1 to 1) is where the target pulls it, `stands` the row's number and how many there are."""
    number, count = stands
    pulled = _SIGNAL * towards + _NOISE * draw.standard_normal()
    lacks = draw.random() < min(column.missing / max(brief.proposal.rows, 1), _MOST_EMPTY)
    if column.role == "empty" or (column.missing and lacks):
        return None
    if column.role == "id":
        return number + 1 if column.kind in {"integer", "number"} else f"id-{number + 1:04d}"
    place = number / count if column.role == "time" else (pulled + 1) / 2
    if column.kind in {"number", "integer"}:
        made = _number(column, place)
        return round(made) if column.kind == "integer" else made
    if column.kind == "date":
        return _date(column, place)
    return bool(pulled > 0) if column.kind == "boolean" else _text(brief, column, pulled, draw)


def _number(column: Column, place: float) -> float:
    """A number at `place` between the low and the high end of what is common, never beyond the schema's limits."""
    low, high = _span(column)
    if column.kind == "integer":
        high = max(high, low + 1)  # so that a column of two neighbours has both
    value = _rounded(float(low + place * (high - low)), high - low)
    least, most = limits(column) or ((_LEAST, _MOST) if column.kind == "integer" else (-math.inf, math.inf))
    return min(max(value, least), most)


def _rounded(value: float, spread: float) -> float:
    """Four digits of the spread, however far from zero it lies; all digits where that cannot be written."""
    if not spread or not math.isfinite(spread):
        return value
    digits = _DIGITS - 1 - math.floor(math.log10(abs(spread)))
    try:
        return round(value, digits)
    except OverflowError:
        return value


def _span(column: Column) -> tuple[float, float]:
    """From about the sixteenth to the eighty-fourth of a hundred rows; aggregates, no value of a row."""
    mean, deviation = column.mean or 0.0, column.deviation or 1.0
    low, high = mean - deviation, mean + deviation
    return (max(low, 0.0), high) if (column.lowest or 0.0) >= 0 else (low, high)


def _date(column: Column, place: float) -> str:
    """A moment at `place`, within the years that can be written: 9999-12-31 may stand for no end."""
    low, high = _span(column)
    days = min(max(low + place * max(high - low, 1.0), _FIRST_DAY), _LAST_DAY)
    found = _DAY + timedelta(days=days)
    return found.replace(tzinfo=None, microsecond=0, second=0).isoformat()


def _text(brief: Brief, column: Column, pulled: float, draw: Draw) -> str:
    if column.role == "category":
        values = column.values if column.values and not brief.secret else _stand_ins(column)
        more = 0 if brief.secret or brief.closed(column) else column.distinct - len(values)
        if more > 0 and draw.random() < _OTHERS:
            values = _stand_ins(column, min(more, _MOST_OTHERS))
        near = (np.tanh(pulled) + 1) / 2 * len(values)
        place = min(int(near), len(values) - 1) if draw.random() < _SURE else int(draw.integers(len(values)))
        return values[place]
    half = len(_WORDS) // 2
    words = draw.choice(_WORDS[:half] if pulled < 0 else _WORDS[half:], size=4)
    return " ".join([*words.tolist(), str(draw.choice(_WORDS))])


def _stand_ins(column: Column, most: int = 8) -> tuple[str, ...]:
    return tuple(f"value_{number}" for number in range(1, min(column.distinct, most) + 1))


def _value(found: Any) -> Any:
    """A value of the table as JSON has it."""
    if isinstance(found, datetime):
        return found.isoformat()
    return None if isinstance(found, float) and not np.isfinite(found) else found
