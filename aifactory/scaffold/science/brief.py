"""What the generated files have in common: the proposal, the words that may be written down, and round limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aifactory.profile import Column, Proposal

SECRET = ("confidential", "restricted")
ENOUGH_FOR_TREES = 1_000
_MOST_CLASSES_FOR_TREES = 5
_EXACT = 2**53
_BEYOND = 10
_FAR = 1_000
_SECRET_CATEGORIES = 100


@dataclass(frozen=True)
class Brief:
    """A proposal as it may be written into a repo. No text of a confidential table is written into a file."""

    proposal: Proposal
    package: str
    answers: Mapping[str, Any]
    real_sample: bool
    """Whether data/sample.csv holds rows of the table itself."""

    @property
    def secret(self) -> bool:
        """Whether values of the table must stay out of the repo."""
        return not self.real_sample and self.answers["data_classification"] in SECRET

    @property
    def regression(self) -> bool:
        """Whether a number is predicted."""
        return self.proposal.problem.name == "regression"

    @property
    def trees(self) -> bool:
        """Gradient boosting: rows enough, and not a set of trees for each of many classes."""
        return self.proposal.rows >= ENOUGH_FOR_TREES and len(self.proposal.problem.classes) <= _MOST_CLASSES_FOR_TREES

    @property
    def heavy(self) -> bool:
        """Whether a few targets are far larger than the rest."""
        return self.regression and self.proposal.problem.metric == "mae"

    @property
    def labels(self) -> tuple[Any, ...]:
        """Classes that may be written down; none of a secret table's texts."""
        found = tuple(label for label, _ in self.proposal.problem.classes)
        return () if self.secret and any(isinstance(label, str) for label in found) else found

    def closed(self, column: Column) -> bool:
        """Whether the schema lists the texts of the column."""
        return column.kind == "category" and not self.secret

    def as_texts(self, column: Column) -> bool:
        """Whether its words are counted, as of free text: also where no text occurs often, or none may be written."""
        if column.role != "category" or self.closed(column):
            return column.role == "text"
        return column.distinct > _SECRET_CATEGORIES if self.secret else not column.values

    def known(self, column: Column) -> tuple[str, ...]:
        """Texts of an open category that are kept apart; none when they are closed or must not be written down."""
        return column.values if column.role == "category" and not self.closed(column) and not self.secret else ()


def limits(column: Column) -> tuple[float, float] | None:
    """Round limits ten times beyond what the table holds; zero stays the lower one where nothing is below it."""
    if column.lowest is None or column.highest is None:
        return None
    size = max(abs(column.lowest), abs(column.highest)) or 1.0
    high = 10.0 ** math.ceil(math.log10(size * _BEYOND))
    if not math.isfinite(high) or (column.kind == "integer" and high > _EXACT):
        return None
    return (0.0 if column.lowest >= 0 else -high), high


def figure(value: float, spread: float = 0.0) -> str:
    """A number as people read it; of one that lies far from zero, seen from its `spread`, some digits of the spread."""
    if spread and abs(value) > _FAR * spread:
        return f"{value:,.{max(2 - math.floor(math.log10(spread)), 0)}f}"
    return f"{value:,.4g}" if abs(value) < 1e5 else f"{value:,.0f}"  # noqa: PLR2004 - where exponents begin
