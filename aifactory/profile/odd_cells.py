"""Cells of a column of numbers or dates that are neither: how many, which, and where the first is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aifactory.profile.column_rules import KNOWN, MOST_WORDS, few

_FEW_VALUES = 20
_REMEMBERED = 100


class OddCells:
    """Adds them up, batch by batch; a few different ones are remembered."""

    def __init__(self) -> None:
        self.words = Counter[str]()
        self.count = 0
        self.first = 0
        """The row of the first one, counted from 1 under the header; 0 without one."""

    def add(self, texts: Any, odd: Any, before: int) -> None:
        """Take in the cells of `texts` for which `odd` is true, both Arrow arrays, below so many rows."""
        import pyarrow.compute as pc

        place = odd.index(True).as_py()
        if place < 0:
            return
        self.first = self.first or before + place + 1
        self.count += pc.sum(odd).as_py()
        if len(self.words) < _REMEMBERED:
            for pair in pc.value_counts(texts.filter(odd)).to_pylist():
                self.words[pair["values"]] += pair["counts"]

    def is_only(self, cell: str | None) -> bool:
        """Whether a cell is an odd one, there once, and none of what is written for nothing everywhere."""
        word = (cell or "").strip()
        return self.words[word] == 1 and word not in KNOWN

    def leave_it(self, total: int, distinct: int) -> bool:
        """Whether a column of so many cells and different values is still one of numbers or dates.

        What is written for nothing everywhere may be there often. Another word may not be there twice where values are
        few: it is a class of its own then.
        """
        strange = {word: count for word, count in self.words.items() if word not in KNOWN}
        if len(strange) > MOST_WORDS or (distinct <= _FEW_VALUES and any(count > 1 for count in strange.values())):
            return False
        return few(sum(strange.values()), total) and total > self.count
