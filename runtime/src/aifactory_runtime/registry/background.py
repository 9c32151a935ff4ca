"""The rows that an answer is explained against: kept with a model's input schema, so part of its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROWS = 20
"""How many there are; of a smaller public table all its training rows."""


@dataclass(frozen=True)
class Background:
    """Raw columns by name, values as JSON has them, all of the same number of rows."""

    columns: Mapping[str, tuple[Any, ...]]
    made_up: bool
    """Whether each column was made up by itself, so that no row is one of the table's."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), ()))


def to_values(background: Background) -> dict[str, Any]:
    """The rows as JSON has them."""
    return {"columns": dict(background.columns), "made_up": background.made_up}


def of_values(values: Mapping[str, Any]) -> Background:
    """The rows that `to_values` wrote; ValueError when these are none."""
    try:
        found = Background({name: tuple(column) for name, column in values["columns"].items()}, bool(values["made_up"]))
    except (LookupError, TypeError, AttributeError):
        raise ValueError("no background rows") from None
    if not found.rows or any(len(column) != found.rows for column in found.columns.values()):
        raise ValueError("background rows of unequal columns")
    return found
