"""What is known of one column after its values went by: counts, limits, distinct values, and the kinds that fit."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np

from aifactory.profile import date_shapes
from aifactory.profile.cell_shapes import CellShapes
from aifactory.profile.column_rules import BEYOND, COMPACT_DAYS, DECIMALS, ENOUGH, Around, Rule, few, find
from aifactory.profile.odd_cells import OddCells
from aifactory_runtime.config.settings import ColumnReading
from aifactory_runtime.data import column_reading, lost_digits, text_bytes
from aifactory_runtime.data import kinds as kinds_of

MOST_VALUES = 2_000
"""Distinct values that are counted one by one; of more only their number is estimated."""
_SKETCH = 4_096
_PLAINLY = Around(".")
MISSING_HASH = np.uint64(0x9E3779B97F4A7C15)
_ENDS = {"integer": (-(2**53), 2**53), "date": (-62_135_596_800_000_000, 253_402_300_799_999_999)}
"""Whole numbers that a float64 tells from their neighbours; microseconds from 1970 to the years 1 and 9999."""
_BEYOND = {"integer": BEYOND, "date": "dates before the year 1 or after 9999: kept as texts"}
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


class Marks:
    """Whether the decimal marks of plain numbers could as well stand between thousands."""

    def __init__(self, decimal: str) -> None:
        self._decimal = decimal
        self._three = rf"^\s*[+-]?[1-9][0-9]{{0,2}}{re.escape(decimal)}[0-9]{{3}}\s*$"
        self._seen = False
        self.proven = False
        """Whether a cell has other than three digits behind its mark."""
        self.bare = False
        """Whether a cell has no mark, beside those that have one."""

    @property
    def doubtful(self) -> bool:
        """Whether each mark that is there has three digits behind it, and one to three before."""
        return self._seen and not self.proven

    def add(self, texts: Any, kind: str) -> None:
        """Take in cells that are numbers, of the kind `integer` such without a mark."""
        import pyarrow.compute as pc

        if self.proven or kind == "date":
            return
        if kind == "integer":
            self.bare = self.bare or texts.null_count < len(texts)
            return
        marked = pc.match_substring(texts, self._decimal)
        count = pc.sum(marked).as_py() or 0
        known = kinds_of.without_missing(texts)
        self.bare = self.bare or count < len(known) - known.null_count
        if count:
            self._seen = True
            three = pc.sum(pc.match_substring_regex(texts, self._three)).as_py()
            self.proven = three < count


class ColumnScan:
    """Adds up one column, batch by batch, in memory that does not grow with the rows."""

    def __init__(self, name: str, stored: str, around: Around = _PLAINLY, rule: Rule | None = None) -> None:
        self.name = name
        self.stored = stored
        """Kind the source stores it as: `text` for every column of a text file."""
        self.possible = ["integer", "number", "date", "text"] if stored == "text" else [stored]
        self.around = around
        self.rule: Rule | None = None
        """By which cells are read that are not written plainly."""
        self.changed: Rule | None = None
        """Texts further down are not what the first ones were: by which rule to look at the column again."""
        self.shapes = CellShapes()
        self.odd = OddCells()
        self.said: str | None = None
        """What a person should know of how its cells are read."""
        if rule is not None:
            self._follow(rule)
        self._marks = Marks(around.decimal)
        self.rounded = self.first_rounded = 0
        """Numbers in texts beyond 2^53 that lose digits, as a float64 has no more; the row of the first, from 1."""
        self.rows = 0
        self.missing = 0
        self.infinite = 0
        self.counts: dict[Any, int] | None = {}
        """How often each value occurs, numbers and dates as floats; None when there are more than MOST_VALUES."""
        self.lowest, self.highest = math.inf, -math.inf
        self.squares = 0.0
        self._finite, self._mean, self._apart = 0, 0.0, 0.0
        self._days = self._zoned = 0
        """Count, mean, and sum of squared distances from it, of the finite numbers."""
        self.longest = self.words = 0
        self.rising = self.falling = True
        self._last: float | None = None
        self._sketch: Hashes = np.empty(0, dtype=np.uint64)

    @property
    def kind(self) -> str:
        """The narrowest kind that all values fit."""
        return self.possible[0]

    @property
    def present(self) -> int:
        """Values that are there."""
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """Different values: exact up to 4,096, else estimated within a few percent."""
        if len(self._sketch) < _SKETCH:
            return len(self._sketch)
        return min(round((_SKETCH - 1) / (float(self._sketch[-1]) / 2.0**64)), self.present)

    @property
    def mean(self) -> float:
        """Mean of the finite numbers, of dates in days since 1970; not finite when their sum is not."""
        return self._mean if self._finite else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of the finite numbers; NaN when their squares are too large to be added up."""
        if not self._finite or not math.isfinite(self.squares):
            return math.nan
        # Distances so small that their squares are zero are no reason to call a column constant.
        return math.sqrt(self._apart / self._finite) or (self.highest - self.lowest) / 4

    def add(self, values: Any) -> Hashes:
        """Take in a batch (an Arrow array) and give back a number a row that depends on its value only.

        Nothing is added any more once a kind that earlier batches had is not the kind of one; see `changed`.
        """
        typed = self._typed(values) if self.stored == "text" else kinds_of.to_kind(values, self.kind)
        if typed is not None and not _is_within(typed, self.kind):
            self.changed, typed = Rule("text", None, _BEYOND[self.kind], final=True), None
        if typed is None:
            return np.zeros(len(values), dtype=np.uint64)
        if self.kind == "number" and self.stored == "text":
            self._count_rounded(values, typed)
        self.rows += len(values)
        self.missing += typed.null_count
        if self.kind == "date" and self.stored == "text":
            self._zoned += text_bytes.zoned(values)
        return self._add_texts(typed) if self.kind == "text" else self._add_numbers(to_numbers(typed, self.kind))

    def _count_rounded(self, texts: Any, numbers: Any) -> None:
        import pyarrow.compute as pc

        large = pc.fill_null(pc.greater_equal(pc.abs(numbers), _ENDS["integer"][1]), False)
        if not pc.any(large).as_py():
            return
        found = pc.and_(large, lost_digits.lost(texts, numbers))
        if count := pc.sum(found).as_py():
            self.first_rounded = self.first_rounded or self.rows + found.index(True).as_py() + 1
            self.rounded += count

    @property
    def zones(self) -> str | None:
        """What becomes of time zones that cells name; None without one."""
        if not self._zoned or self.kind != "date":
            return None
        rest = self.present - self._zoned
        others = f"; the {rest} others name none and are taken as UTC: write all alike" if rest else ""
        return f"{self._zoned} times name a zone and are moved to UTC{others}"

    @property
    def proves(self) -> str | None:
        """The decimal mark that its cells leave no doubt about."""
        if self.rule is not None:
            return self.rule.proves
        return self.around.decimal if self.stored == "text" and self.kind == "number" and self._marks.proven else None

    @property
    def reading(self) -> ColumnReading | None:
        """By which rule its cells are to be read from now on, those that are odd as missing; None: plainly."""
        rule = None if self.rule is None else self.rule.reading
        if not self.odd.count:
            return rule
        return (rule or ColumnReading()).model_copy(update={"missing": tuple(sorted(self.odd.words))})

    @property
    def taken(self) -> str | None:
        """How many cells are taken for missing, because they are none of the values; None without one."""
        odd, total = self.odd.count, self.shapes.present
        if not odd:
            return None
        kinds = "dates" if self.kind == "date" else "numbers"
        are = "1 is" if odd == 1 else f"{odd} are"
        return f"{total - odd} of {total} cells are {kinds}, {are} taken for missing, the first in row {self.odd.first}"

    def another_rule(self, proven: str | None) -> Rule | None:
        """After the last batch: the rule by which the column is to be read again; None when all is well.

        `proven` is the decimal mark that the columns of the table leave no doubt about.
        """
        if self.stored != "text" and self._are_days():
            self.said = "whole numbers that are days, as in 20240131: taken as numbers; store dates to have dates"
        if self.changed is not None or self.stored != "text" or (self.rule and self.rule.final):
            return self.changed
        if self.rule is None:
            return COMPACT_DAYS if self._are_days() else self._doubt(proven)
        found = find(self.shapes, replace(self.around, proven=proven))
        if not found.same(self.rule):
            return found
        self.said, self.rule = found.said, found
        total = self.shapes.present
        if self.kind == "text" or self.odd.leave_it(total, self.distinct):
            return None
        said = f"{total - self.odd.count} of {total} cells are {self.kind}s, the first other one is in row "
        formula = ColumnReading(formula=True) if found.reading and found.reading.formula else None
        return Rule("text", formula, f"{said}{self.odd.first}: kept as texts", final=True)

    def _are_days(self) -> bool:
        """Whether its whole numbers are days written as 20240131, but for a few."""
        enough = self.kind == "integer" and self._days >= ENOUGH
        return enough and few(self.present - self._days, self.present)

    def _doubt(self, proven: str | None) -> Rule | None:
        """The same for plain numbers, whose marks may be those of thousands."""
        if self.kind != "number" or not self._marks.doubtful:
            return None
        if self._marks.bare or proven not in {None, self.around.decimal}:
            return Rule("text")  # its shapes tell
        self.said = None if proven else DECIMALS
        return None

    def _follow(self, rule: Rule) -> None:
        self.rule, self.said, self.possible = rule, rule.said, [rule.kind]

    def _typed(self, values: Any) -> Any:
        """`values` as the narrowest kind that all so far fit; numbers with leading zeros are codes, so texts."""
        if self.changed is not None:
            return None
        if self.rule is None:
            kind = self.kind
            typed = self._narrowed(values)
            if self.kind != "text":
                self._marks.add(values, self.kind)
                return typed
            shapes = CellShapes()
            shapes.add(values.dictionary_encode())
            rule = find(shapes, self.around)
            if self.rows and kind != "text":
                self.changed = rule
                return None
            self._follow(rule)
        assert self.rule is not None  # noqa: S101 - for the type
        encoded = values.dictionary_encode()
        self.shapes.add(encoded)
        if self.kind == "text" and self.rule.reading is None:
            return encoded
        found = column_reading.typed(values, self.kind, self.rule.reading or ColumnReading(), self.around.decimal)
        self.odd.add(values, found.odd, self.rows)
        return found.values

    def _narrowed(self, values: Any) -> Any:
        integers = self.kind == "integer"
        while len(self.possible) > 1:
            try:
                if self.kind != "date" and text_bytes.any_code(values):
                    raise kinds_of.Unfit
                if self.kind == "number" and integers and _all_whole(values):  # beyond 64 bits
                    raise kinds_of.Unfit
                return kinds_of.to_kind(values, self.kind, decimal=self.around.decimal)
            except kinds_of.Unfit:
                self.possible.pop(0)
        return values

    def _add_texts(self, texts: Any) -> Hashes:
        import pyarrow.compute as pc

        encoded = texts.dictionary_encode()
        uniques = encoded.dictionary
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        counts = np.bincount(places[places >= 0], minlength=len(uniques))
        hashes = _hashes(uniques)
        self._remember(hashes)
        self._count(uniques.to_pylist() if len(uniques) <= MOST_VALUES else None, counts)
        if len(uniques):
            self.longest = max(self.longest, int(pc.utf8_length(uniques).to_numpy().max()))
            self.words += int((pc.count_substring(uniques, " ").to_numpy() + 1) @ counts)
        taken: Hashes = np.append(hashes, MISSING_HASH)[places]
        return taken

    def _add_numbers(self, numbers: Any) -> Hashes:
        there = ~np.isnan(numbers)
        finite = np.isfinite(numbers)
        hashes: Hashes = np.where(there, _mixed(numbers), MISSING_HASH)
        self._remember(hashes[there])
        if self.counts is not None:
            uniques, counts = np.unique(numbers[there], return_counts=True)
            self._count(uniques.tolist() if len(uniques) <= MOST_VALUES else None, counts)
        self.infinite += int((there & ~finite).sum())
        if self.kind == "integer":
            self._days += date_shapes.compact_days(numbers)
        kept = numbers[finite]
        if len(kept):
            self.lowest, self.highest = min(self.lowest, float(kept.min())), max(self.highest, float(kept.max()))
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite says so
                self.squares += _sum_of_squares(kept)
                self._add_moments(kept)
            self._order(kept)
        return hashes

    def _add_moments(self, kept: Any) -> None:
        """The means of batches are put together, which loses no digits where the spread is small."""
        mean, count, both = float(kept.mean()), len(kept), self._finite + len(kept)
        apart, step = kept - mean, mean - self._mean
        self._apart += _sum_of_squares(apart) + step * step * self._finite * count / both
        self._mean += step * count / both
        self._finite = both

    def _remember(self, hashes: Hashes) -> None:
        """Keep the smallest hashes: how close they lie tells how many there are."""
        if len(self._sketch) == _SKETCH:
            hashes = hashes[hashes < self._sketch[-1]]
        if len(self._sketch):
            places = np.searchsorted(self._sketch[:-1], hashes)
            hashes = hashes[self._sketch[places] != hashes]
        if len(hashes):
            self._sketch = np.unique(np.concatenate([self._sketch, hashes]))[:_SKETCH]

    def _count(self, uniques: list[Any] | None, counts: Any) -> None:
        if self.counts is None or uniques is None:
            self.counts = None
            return
        for value, count in zip(uniques, counts.tolist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > MOST_VALUES:
            self.counts = None

    def _order(self, numbers: Any) -> None:
        if not (self.rising or self.falling):
            return
        if self._last is not None:
            numbers = np.concatenate([[self._last], numbers])
        self.rising = self.rising and bool((numbers[1:] >= numbers[:-1]).all())
        self.falling = self.falling and bool((numbers[1:] <= numbers[:-1]).all())
        self._last = float(numbers[-1])


def to_numbers(values: Any, kind: str) -> Any:
    """float64 of numbers, truth values and dates (days since 1970), with NaN for what is missing."""
    import pyarrow as pa

    if kind == "date":
        days = values.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return days / 86_400e6
    if kind == "boolean":
        values = values.cast(pa.int8())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)


def _is_within(values: Any, kind: str) -> bool:
    """Whether all whole numbers are told apart by a float64, all dates lie in the years 1 to 9999."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind not in _ENDS or values.null_count == len(values):
        return True
    ends = pc.min_max(values.cast(pa.int64()))
    least, most = _ENDS[kind]
    return bool(ends["min"].as_py() >= least and ends["max"].as_py() <= most)


def _sum_of_squares(numbers: Any) -> float:
    """Without numpy's `@`: for rows as few as these its threads spend more time waiting than adding."""
    return float(np.square(numbers).sum())


def _all_whole(texts: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(kinds_of.without_missing(texts), r"^[+-]?[1-9]\d*$")).as_py())


def _hashes(uniques: Any) -> Hashes:
    from pandas.util import hash_array

    hashed: Hashes = hash_array(uniques.to_numpy(zero_copy_only=False), categorize=False)
    return hashed


def _mixed(numbers: Any) -> Hashes:
    """Bits of floats, stirred (the last step of splitmix64); -0.0 is 0.0."""
    bits = (numbers + 0.0).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    stirred: Hashes = bits ^ (bits >> np.uint64(31))
    return stirred
