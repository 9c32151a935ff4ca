"""Numbers that have more digits than a float64 holds: which of them lose some on the way from text or decimal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_SURE = 15
"""Significant digits that a float64 always holds."""


def lost(texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """For each number whether its text, in whatever marks and units, has other digits than its float64."""
    import pyarrow.compute as pc

    written = _digits(texts)
    long = pc.greater(pc.utf8_length(written), _SURE)
    if not pc.any(long).as_py():
        return pc.fill_null(long, False)
    import pyarrow as pa

    return pc.fill_null(pc.and_(long, pc.not_equal(written, _digits(numbers.cast(pa.string())))), False)


def _digits(texts: pa.Array) -> pa.Array:
    """Significant digits of numbers in texts, without zeros before and behind them."""
    import pyarrow.compute as pc

    without_power = pc.replace_substring_regex(texts, "([0-9.,])[eE][-+]?[0-9]+", r"\1")
    return pc.utf8_trim(pc.replace_substring_regex(without_power, "[^0-9]", ""), "0")
