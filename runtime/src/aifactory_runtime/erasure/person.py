"""Whose records are meant: predictions by their ids, or all whose column has a value, as it came or hashed. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aifactory_runtime.capture.hashing import Keys, text
from aifactory_runtime.data.columns import to_date


@dataclass(frozen=True)
class Person:
    """Records of one person: those with one of the ids, and those that hold one of the values in the column."""

    ids: frozenset[str] = frozenset()
    column: str | None = None
    values: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    """What labels of this person may have as their key; none where the column is not the one that labels are joined by.
    """

    def has(self, prediction_id: str, inputs: Mapping[str, Any]) -> bool:
        """Whether a record is one of this person's."""
        if prediction_id in self.ids:
            return True
        return self.column is not None and text(inputs.get(self.column)) in self.values


def of(
    ids: Collection[str], column: str | None, value: str | None, keys: Keys | None, joined_by: str | None = None
) -> Person:
    """Records with these ids, and those whose `column` has `value`: as text, or as any hash there may be of it.

    Labels are found by that value, too, when they are joined by the column.
    """
    if column is None or value is None:
        return Person(frozenset(ids))
    spelled = {value, *_date(value)}
    hashed = [keys.hashes(one) for one in spelled] if keys else []
    values = frozenset(spelled).union(*hashed)
    return Person(frozenset(ids), column, values, values if column == joined_by else frozenset())


def _date(value: str) -> set[str]:
    """The value as dates are hashed, if it is one."""
    try:
        found: date | None = to_date(value)
    except ValueError:
        return set()
    return {str(text(found))}
