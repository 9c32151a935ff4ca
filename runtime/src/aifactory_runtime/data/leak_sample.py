"""Draws the rows of a table that `leaks` looks at, chunk by chunk, and hands them over as numbers and codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import leaks, row_hash

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.data.split import Roles

_SEED = 7
Array = np.ndarray[Any, Any]


class Sample:
    """About `leaks.MOST_ROWS` of a table's `rows`, drawn evenly: the same ones however it is read in parts.

    Of a part `first` is the number of its first row.
    """

    def __init__(self, rows: int, first: int = 0) -> None:
        self._share = min(1.0, leaks.MOST_ROWS / max(rows, 1))
        bits = np.random.PCG64(_SEED)
        bits.advance(first)  # a number is drawn for each row
        self._draw = np.random.Generator(bits)
        self._kept: list[pd.DataFrame] = []

    def add(self, frame: pd.DataFrame) -> None:
        """Take in a chunk of the table."""
        if self._share < 1.0:
            frame = frame.take(np.flatnonzero(self._draw.random(len(frame)) < self._share))
        self._kept.append(frame)

    def join(self, other: Sample) -> None:
        """Take in what was drawn of the part that comes next."""
        self._kept += other._kept

    def find(self, roles: Roles, group: str | None = None) -> tuple[leaks.Leak, ...]:
        """The columns a model sees that nearly tell the target; rows of one `group` are judged together."""
        import pandas as pd

        table = pd.concat(self._kept, ignore_index=True)
        if roles.regression and table[roles.target].dtype.kind not in "biuf":
            return ()  # training says what is wrong with it
        names = leaks.judged(map(str, table.columns), roles.target, roles.ignored, roles.time)
        columns = {name: _numbers(table[name]) for name in names}
        aim = row_hash.numbers(table[roles.target]) if roles.regression else _codes(table[roles.target])
        belongs = None if group is None else _codes(table[group])
        return leaks.find(columns, aim, regression=roles.regression, belongs=belongs)


def _numbers(series: Any) -> Array:
    """Numbers, truth values and dates as floats, all else as codes."""
    if series.dtype.kind in "biuf":
        return row_hash.numbers(series)
    if series.dtype.kind == "M":
        found = series.to_numpy(dtype="datetime64[us]")
        return np.where(np.isnat(found), np.nan, found.astype(np.int64).astype(np.float64))
    return _codes(series)


def _codes(series: Any) -> Array:
    """One whole number a value, -1 for a missing one."""
    import pandas as pd

    return np.asarray(pd.factorize(series)[0], dtype=np.int64)
