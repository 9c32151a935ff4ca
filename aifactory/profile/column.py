"""What is known of one column after its values went by: counts, limits, distinct values, and the kinds that fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from aifactory_runtime.data import kinds as kinds_of

MOST_VALUES = 2_000
"""Distinct values that are counted one by one; of more only their number is estimated."""
_SKETCH = 4_096
MISSING_HASH = np.uint64(0x9E3779B97F4A7C15)
_NUMERAL = r"^[+-]?(0|[1-9]\d*)((\.\d{3})*(,\d+)?|([,' ]\d{3})*(\.\d+)?)$"
_SEPARATED = r"\d[.,' ]\d{3}"
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


class Changed(Exception):
    """A column that looked like numbers or dates holds other texts further down: it is looked at again from the top."""


class ColumnScan:
    """Adds up one column, batch by batch, in memory that does not grow with the rows."""

    def __init__(self, name: str, stored: str, text: bool = False) -> None:
        self.name = name
        self.stored = stored
        """Kind the source stores it as: `text` for every column of a text file."""
        self.possible = ["integer", "number", "date", "text"] if stored == "text" and not text else [stored]
        self.rows = 0
        self.missing = 0
        self.infinite = 0
        self.counts: dict[Any, int] | None = {}
        """How often each value occurs, numbers and dates as floats; None when there are more than MOST_VALUES."""
        self.lowest, self.highest = math.inf, -math.inf
        self.total = self.squares = 0.0
        self.longest = self.words = 0
        self._numerals, self._separated = True, False
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
        """Mean of the finite numbers, of dates in days since 1970; infinite when their sum is."""
        count = self.present - self.infinite
        return self.total / count if count else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of the finite numbers; NaN when their squares are too large to be added up."""
        count = self.present - self.infinite
        if not count or not math.isfinite(self.squares):
            return math.nan
        return math.sqrt(max(self.squares / count - self.mean**2, 0.0))

    @property
    def thousands(self) -> bool:
        """Whether every text is a number as people write it, some with separators of thousands."""
        return self._numerals and self._separated

    def add(self, values: Any, formats: tuple[str, ...], decimal: str) -> Hashes:
        """Take in a batch (an Arrow array) and give back a number a row that depends on its value only.

        Changed when a kind that earlier batches had is not the kind of this one.
        """
        kind = self.kind
        typed = self._narrowed(values, formats, decimal)
        if self.rows and self.kind == "text" and kind != "text":
            raise Changed(self.name)
        self.rows += len(values)
        self.missing += typed.null_count
        return self._add_texts(typed) if self.kind == "text" else self._add_numbers(to_numbers(typed, self.kind))

    def _narrowed(self, values: Any, formats: tuple[str, ...], decimal: str) -> Any:
        """`values` as the narrowest kind that all so far fit. Numbers with leading zeros are codes, so texts."""
        while len(self.possible) > 1:
            try:
                if self.kind != "date" and _has_codes(values):
                    raise kinds_of.Unfit
                return kinds_of.to_kind(values, self.kind, formats, decimal)
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
            if self._numerals:
                known = kinds_of.without_missing(uniques)
                self._numerals = bool(pc.all(pc.match_substring_regex(known, _NUMERAL)).as_py())
                self._separated |= bool(pc.any(pc.match_substring_regex(known, _SEPARATED)).as_py())
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
        kept = numbers[finite]
        if len(kept):
            self.lowest, self.highest = min(self.lowest, float(kept.min())), max(self.highest, float(kept.max()))
            with np.errstate(over="ignore"):  # an infinite sum says so
                self.total += float(kept.sum())
                self.squares += float(kept @ kept)
            self._order(kept)
        return hashes

    def _remember(self, hashes: Hashes) -> None:
        """Keep the smallest hashes: how close they lie tells how many there are."""
        if len(self._sketch) == _SKETCH:
            hashes = hashes[hashes < self._sketch[-1]]
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


def _has_codes(texts: Any) -> bool:
    import pyarrow.compute as pc

    zeros = texts.filter(pc.starts_with(texts, "0"))
    return bool(pc.any(pc.match_substring_regex(zeros, r"^0\d")).as_py())


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
