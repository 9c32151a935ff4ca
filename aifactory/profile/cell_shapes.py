"""What the cells of a text column look like: each digit a 9, so that thousands of numbers have a handful of shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from aifactory_runtime.data import kinds as kinds_of

MOST = 2_000
"""A column with more shapes holds texts."""
_ZERO = "\x01"
_DIGITS = np.arange(256, dtype=np.uint8)
_DIGITS[ord("0") : ord("9") + 1] = ord("9")
_DIGITS[ord(_ZERO)] = ord("0")
_FIRST_TWO = r"^(?P<first>[0-9]{1,2})[./-](?P<second>[0-9]{1,2})[./-][0-9]{2}"
_LIKE_DATES = "^[09]{1,2}[./-][09]{1,2}[./-][09]{2}"
"""What the shapes of such cells begin with."""
_MONTHS = 12


class CellShapes:
    """Adds up the shapes of a column, batch by batch; of each how often it is there, and in which row first.

    In a shape every digit is 9, but a 0 that begins the first number of the cell: 0.5 is not grouped, 007 no number.
    """

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, int]] = {}
        """How many cells have a shape, and the first one's row, counted from 1; at most MOST shapes."""
        self.rows = 0
        self.present = 0
        self.full = False
        """Whether shapes beyond MOST are not counted any more."""
        self.day_first = self.month_first = 0
        """Dates whose first, or second, number is no month."""

    def add(self, encoded: Any) -> None:
        """Take in the cells of a batch, as Arrow's dictionary; what stands for nothing everywhere is left out."""
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        cells = kinds_of.without_missing(encoded.dictionary)
        shapes = _shapes(cells).dictionary_encode()
        ours = np.append(shapes.indices.fill_null(-1).to_numpy(zero_copy_only=False), -1)[places]
        counts = np.bincount(ours + 1, minlength=len(shapes.dictionary) + 1)[1:]
        firsts = np.full(len(counts) + 1, len(ours))
        np.minimum.at(firsts, ours + 1, np.arange(len(ours)))
        names = shapes.dictionary.to_pylist()
        for shape, first, count in zip(names, firsts[1:].tolist(), counts.tolist(), strict=True):
            self._count(shape, count, self.rows + first + 1)
        self.rows += len(encoded)
        self.present += int(counts.sum())
        self._count_order(cells, shapes, np.bincount(places + 1, minlength=len(cells) + 1)[1:])

    def _count(self, shape: str, count: int, row: int) -> None:
        if shape in self.found:
            before, first = self.found[shape]
            self.found[shape] = (before + count, first)
        elif len(self.found) < MOST:
            self.found[shape] = (count, row)
        else:
            self.full = True

    def _count_order(self, cells: Any, shapes: Any, often: Any) -> None:
        """Look at those among the different cells that look like dates; each is there so often."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not pc.any(pc.match_substring_regex(shapes.dictionary, _LIKE_DATES)).as_py():
            return
        parts = pc.extract_regex(cells, _FIRST_TWO)
        first, second = (
            pc.fill_null(pc.struct_field(parts, name).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
            for name in ("first", "second")
        )
        self.day_first += int(often[(first > _MONTHS) & (second <= _MONTHS)].sum())
        self.month_first += int(often[(second > _MONTHS) & (first <= _MONTHS)].sum())


def _shapes(cells: Any) -> Any:
    """Digits are single bytes in UTF-8, so they are made equal where the texts lie."""
    import pyarrow as pa
    import pyarrow.compute as pc

    marked = pc.replace_substring_regex(cells, "^([^0-9]*)0", rf"\1{_ZERO}")
    valid, ends, texts = marked.buffers()
    if texts is None:
        return marked
    made = pa.py_buffer(_DIGITS[np.frombuffer(texts, dtype=np.uint8)].tobytes())
    return pa.StringArray.from_buffers(len(marked), ends, made, valid, marked.null_count, marked.offset)
