"""What is counted of a table, part by part, and put together: the same however it is read in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from aifactory_runtime.data import copies
from aifactory_runtime.data import row_hash as row_numbers

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Look(Protocol[R_co]):
    """Looks at a part of a table, in chunks; `first` is the number of its first row."""

    def __call__(self, frames: Iterator[pd.DataFrame], first: int) -> R_co:
        """What is found."""
        ...


class Table(Protocol):
    """A table that is read in parts, wherever that is done."""

    def each(self, look: Look[R], columns: Sequence[str] | None = None) -> Iterator[R]:
        """What is found in each part, in their order; of all columns, or of these."""
        ...


_ROUNDING = 1e-9


@dataclass
class Numbers:
    """Count, mean, sum of squared distances from it and extremes of a column's finite values."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    most: float = -np.inf
    missing: int = 0
    infinite: int = 0

    @classmethod
    def of(cls, values: np.ndarray[Any, np.dtype[np.float64]]) -> Numbers:
        """Those of one chunk."""
        made = cls()
        with np.errstate(all="ignore"):
            total = float(values.sum())
        if not np.isfinite(total):
            made.missing = int(np.isnan(values).sum())
            made.infinite = int(np.isinf(values).sum())
            values = values[np.isfinite(values)]
        if len(values):
            made.count, made.mean = len(values), float(values.mean())
            apart = values - made.mean
            with np.errstate(all="ignore"):
                made.squares = float(np.dot(apart, apart))
            made.least, made.most = float(values.min()), float(values.max())
        return made

    def merge(self, other: Numbers) -> None:
        """Take in those of a chunk; the mean of all is put together from the means of chunks, which loses no digits.

        Chunks in the same order give the same, wherever each of them was looked at.
        """
        self.missing += other.missing
        self.infinite += other.infinite
        if not other.count:
            return
        both = self.count + other.count
        self.squares += other.squares + (other.mean - self.mean) ** 2 * self.count * other.count / both
        self.mean += (other.mean - self.mean) * other.count / both
        self.count = both
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def limits(self, sigmas: float) -> tuple[float, float]:
        """What lies outside of these is further than `sigmas` standard deviations from the mean."""
        # A value exactly that far lies within, however the additions of its chunks were rounded.
        far = (1 + _ROUNDING) * sigmas * float(np.sqrt(self.squares / self.count)) if self.count else 0.0
        return (self.mean - far, self.mean + far) if far > 0 else (-np.inf, np.inf)


@dataclass
class Counts:
    """What one reading of a part of the table gives."""

    keys: copies.Candidates
    rows: int = 0
    numbers: dict[str, list[Numbers]] = field(default_factory=dict)
    """Of each column and block of rows, so that sums do not depend on which blocks are a part."""
    missing: Counter[str] = field(default_factory=Counter)
    classes: Counter[Any] = field(default_factory=Counter)
    hashes: list[row_numbers.Hashes] = field(default_factory=list)
    sets: dict[copies.Names, list[row_numbers.Hashes]] = field(default_factory=dict)

    def summed(self) -> dict[str, Numbers]:
        """The numbers of all rows, by column."""
        made = {name: Numbers() for name in self.numbers}
        for name, blocks in self.numbers.items():
            for one in blocks:
                made[name].merge(one)
        return made

    def join(self, other: Counts) -> None:
        """Take in the part that comes next."""
        self.keys.join(other.keys)
        self.rows += other.rows
        for name, found in other.numbers.items():
            self.numbers.setdefault(name, []).extend(found)
        self.missing.update(other.missing)
        self.classes.update(other.classes)
        self.hashes += other.hashes
        for names, hashed in other.sets.items():
            self.sets[names] += hashed


@dataclass(frozen=True)
class About:
    """What the columns are for that are counted: the target, sets of columns that are `unique`, and maybe `keys`."""

    target: str
    unique: tuple[copies.Names, ...] = ()
    keys: tuple[copies.Names, ...] = ()
    regression: bool = False

    def empty(self) -> Counts:
        """Nothing counted yet."""
        both = dict.fromkeys([*self.unique, *self.keys])
        return Counts(copies.Candidates(both), sets={names: [] for names in self.unique})


def counted(about: About, frames: Iterator[pd.DataFrame], first: int) -> Counts:
    """What one part of a table gives; see `Look`."""
    del first
    counts = about.empty()
    for frame in frames:
        _count(counts, frame, about)
    return counts


def _count(counts: Counts, frame: pd.DataFrame, about: About) -> None:
    counts.rows += len(frame)
    for name in frame.columns:
        series = frame[name]
        if series.dtype.kind in "iuf":
            found = Numbers.of(row_numbers.numbers(series))
            counts.numbers.setdefault(str(name), []).append(found)
            counts.missing[str(name)] += found.missing
        else:
            counts.missing[str(name)] += int(series.isna().sum())
    if not about.regression:
        counts.classes.update(frame[about.target].value_counts().to_dict())
    whole = row_numbers.hashes(frame)
    counts.hashes.append(whole)
    for names in counts.keys.names:
        counts.keys.add(names, copies.key_hashes(frame, names), whole)
    for names, hashed in counts.sets.items():
        hashed.append(row_numbers.hashes(frame[list(names)]))
