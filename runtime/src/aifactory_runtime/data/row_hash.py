"""Numbers that stand for rows: equal rows have equal numbers, in every process, on every machine, for good."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_EXACT = 2**53
"""Largest whole number that a float64 tells from its neighbours."""
_WIDE = 8
Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def hashes(frame: pd.DataFrame) -> Hashes:
    """8 bytes a row, from its values only: equal for 1, 1.0 and True, whatever the order of the columns."""
    return hashes_without(frame, ())[0]


def hashes_without(frame: pd.DataFrame, *left_out: Collection[str]) -> list[Hashes]:
    """As `hashes`, once for each collection of columns to leave out; each column is read once."""
    names = sorted(map(str, frame.columns))
    wanted = [[name for name in names if name not in columns] for columns in left_out]
    made = [_Combined(len(columns), len(frame)) for columns in wanted]
    for name in names:
        hashed = _column(frame[name])
        for columns, combined in zip(wanted, made, strict=True):
            if name in columns:
                combined.add(hashed)
    return [combined.values for combined in made]


def digest(columns: Iterable[str], hashed: Iterable[Hashes], *more: object) -> str:
    """SHA-256 of column names, the rows by their hashes in order, and what else decides what the content means."""
    total = hashlib.sha256(repr((sorted(columns), *more)).encode())
    for part in hashed:
        total.update(part.tobytes())
    return total.hexdigest()


def repeated(hashed: Hashes) -> int:
    """How many rows equal one before them."""
    ordered = np.sort(hashed)
    return int((ordered[1:] == ordered[:-1]).sum())


def numbers(series: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column of numbers or truth values as float64, what is missing as NaN."""
    if hasattr(series.dtype, "na_value"):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series.to_numpy(), dtype=np.float64)


class _Combined:
    """Hashes of columns made one, the way Python combines those of a tuple."""

    def __init__(self, columns: int, rows: int) -> None:
        self._left = columns
        self._factor = 1_000_003
        self._values: Hashes = np.full(rows, 0x345678, dtype=np.uint64)

    def add(self, hashed: Hashes) -> None:
        self._values ^= hashed
        self._values *= np.uint64(self._factor)
        self._factor += 82_520 + 2 * self._left
        self._left -= 1

    @property
    def values(self) -> Hashes:
        return self._values + np.uint64(97_531)


def _column(series: Any) -> Hashes:
    """Numbers and truth values as float64 (missing is NaN, -0.0 is 0.0), dates in microseconds, texts as they are.

    Whole numbers that a float64 cannot tell apart are taken by their own bits.
    """
    if series.dtype.kind in "biuf":
        return _mixed(_exact((numbers(series) + 0.0).view(np.uint64), series))
    if series.dtype.kind == "M":
        return _mixed(series.to_numpy(dtype="datetime64[us]").astype(np.int64).view(np.uint64))
    from pandas.util import hash_pandas_object

    return np.asarray(hash_pandas_object(series, index=False, categorize=False), dtype=np.uint64)


def _exact(bits: Hashes, series: Any) -> Hashes:
    """Bits of floats, in place; of whole numbers beyond 2^53 those of the number itself."""
    if series.dtype.kind not in "iu" or series.dtype.itemsize < _WIDE or not len(series):
        return bits
    plain = series.to_numpy(dtype=series.dtype.numpy_dtype, na_value=0) if hasattr(series.dtype, "na_value") else series
    whole = np.asarray(plain)
    large = whole > _EXACT
    if whole.dtype.kind == "i":
        large |= whole < -_EXACT
    bits[large] = whole[large].view(np.uint64)
    return bits


def _mixed(bits: Hashes) -> Hashes:
    """SplitMix64's last steps, in place: every bit of the value moves about half of the bits of the hash."""
    shifted = np.empty_like(bits)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        np.right_shift(bits, np.uint64(shift), out=shifted)
        bits ^= shifted
        if factor != 1:
            bits *= np.uint64(factor)
    return bits
