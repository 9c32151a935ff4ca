"""What a target says of itself: tables for people, values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows under a title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """What `factory status` shows of a target."""

    tables: Sequence[Table]
    values: dict[str, Any]
    """The same as JSON."""
    notes: Sequence[str] = ()
    nothing: str = ""
    """Why there is nothing to show, and what to do; empty where there is."""
