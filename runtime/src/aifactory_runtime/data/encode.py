"""Turns dates and texts into features: each value on its own, numpy only, the same in training and serving."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

OTHER = "other"
_MONDAY_OFFSET = 3
"""1970-01-01 was a Thursday."""


def date_parts(name: str, values: Array) -> dict[str, Array]:
    """Parts of dates, each float64 of shape (rows,): `<name>_year`, `_month` (1 to 12), `_weekday` (Monday 0), `_hour`.

    `<name>_days` counts days since 1970, the time of day as a fraction. A missing date (NaT) is NaN in every part.
    """
    dates = np.asarray(values, dtype="datetime64[us]")
    missing = np.isnat(dates)
    months = dates.astype("datetime64[M]").astype(np.int64)
    days = dates.astype("datetime64[D]")
    whole = days.astype(np.int64)
    since_midnight = (dates - days).astype(np.int64) / 3.6e9
    parts = {
        "year": months // 12 + 1970,
        "month": months % 12 + 1,
        "weekday": (whole + _MONDAY_OFFSET) % 7,
        "hour": np.floor(since_midnight),
        "days": whole + since_midnight / 24,
    }
    return {f"{name}_{part}": np.where(missing, np.nan, found.astype(np.float64)) for part, found in parts.items()}


def text_parts(name: str, values: Array, buckets: int = 32) -> dict[str, Array]:
    """Counts in texts, each float64 of shape (rows,): `<name>_length` in characters, `<name>_words`, `<name>_word_00`.

    Each word, whatever its case, is counted in one of `buckets` columns, chosen by its checksum. A missing text counts
    as an empty one.
    """
    counts = np.zeros((buckets, len(values)), dtype=np.float64)
    length, words = np.zeros(len(values)), np.zeros(len(values))
    places: dict[str, int] = {}
    for row, text in enumerate(values):
        if not isinstance(text, str):
            continue
        found = text.casefold().split()
        length[row], words[row] = len(text), len(found)
        for word in found:
            place = places.get(word)
            if place is None:
                place = places[word] = zlib.crc32(word.encode("utf-8", "replace")) % buckets
            counts[place, row] += 1.0
    digits = len(str(buckets - 1))
    hashed = {f"{name}_word_{place:0{digits}d}": counts[place] for place in range(buckets)}
    return {f"{name}_length": length, f"{name}_words": words, **hashed}


def top_values(values: Array, known: Collection[str]) -> Array:
    """Texts that are among `known`, the rest as `other`; a missing one stays None. Objects of shape (rows,)."""
    kept = {value: value for value in known}
    made = np.empty(len(values), dtype=object)
    made[:] = [kept.get(value, OTHER) if isinstance(value, str) else None for value in values]
    return made
