"""A made-up table of a number, a count, a category and a label of two classes, and the schema that declares it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import pandera.pandas as pa

from aifactory_runtime.data.counted import Look

R = TypeVar("R")

SCHEMA = pa.DataFrameSchema(
    {
        "a": pa.Column(float, pa.Check.in_range(-10, 10), nullable=True),
        "b": pa.Column(int, pa.Check.ge(0)),
        "c": pa.Column(str, pa.Check.isin(["z", "x"])),
        "y": pa.Column(int),
    },
    strict=True,
)


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """So many rows, the same ones for the same seed."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": draw.normal(size=rows),
            "b": draw.integers(0, 1_000_000, size=rows),
            "c": draw.choice(["x", "z"], size=rows),
            "y": draw.integers(0, 2, size=rows),
        }
    )


class InParts:
    """A frame that is read in chunks of so many rows, three of which are a part; see `counted.Table`."""

    def __init__(self, frame: pd.DataFrame, chunk: int) -> None:
        self._frame, self._chunk = frame, chunk

    def each(self, look: Look[R], columns: Sequence[str] | None = None) -> Iterator[R]:
        """What a look finds in each part, when it went to another process and came back."""
        for start in range(0, len(self._frame), 3 * self._chunk):
            sent = pickle.loads(pickle.dumps(look))  # noqa: S301 - our own
            found = sent(self._chunks(start, columns), start)
            yield pickle.loads(pickle.dumps(found))  # noqa: S301 - our own

    def _chunks(self, first: int, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        end = min(len(self._frame), first + 3 * self._chunk)
        for start in range(first, end, self._chunk):
            part = self._frame.iloc[start : min(end, start + self._chunk)]
            yield part if columns is None else part[list(columns)]
