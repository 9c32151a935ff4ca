"""What a person should know of values that were read, counted by column: put together over parts, and said once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)


@dataclass
class Notes:
    """Sentences without a value, each with how many cells it is about and the row of the first; 0 for no count."""

    _found: dict[str, tuple[int, int]] = field(default_factory=dict)

    def count(self, sentence: str, cells: int, row: int) -> None:
        """`cells` more cells that it is about, the first of them in `row`."""
        before, first = self._found.get(sentence, (0, row))
        self._found[sentence] = (before + cells, min(first, row))

    def once(self, sentence: str) -> None:
        """It is true, however often."""
        self._found.setdefault(sentence, (0, 0))

    def add(self, other: Notes) -> None:
        """Take in those of another part."""
        for sentence, (cells, row) in other._found.items():
            if cells:
                self.count(sentence, cells, row)
            else:
                self.once(sentence)

    def say(self) -> None:
        """A line for each."""
        for sentence, (cells, row) in self._found.items():
            more = f": {cells}, the first in row {row}" if cells else ""
            _log.warning("note: %s%s", sentence, more)
